import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'fuzz', 'findings');

/** What a process ends with that has reported findings; others end otherwise only by accident. */
export const FOUND = 10;

/** Where the inputs of a target are kept. */
export const corpusFile = (target: string): string => join(root, 'fuzz', 'corpus', `${target}.txt`);

/** Saves an input that something is wrong with; in words, what and how to see it again. */
export function saveFinding(target: string, input: Uint8Array, what: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(file, input);
  return `${target}: ${what}\n  ${input.length} bytes; again: npm run fuzz -- --target ${target} --replay ${relative(root, file)}`;
}
