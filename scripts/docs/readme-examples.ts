import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The ```ts blocks of a package's README, in their order. */
export function readExamples(folder: string): string[] {
  return [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
}

/** What a package's README says to install: the words after `npm install`, without `-g`. */
export function readInstallLine(folder: string): string[] {
  const [, words = ''] = /^npm install (?:-g )?(.+)$/m.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? [];
  return words.split(' ').filter((word) => word !== '');
}
