import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../docs/workspace.ts';

/** What is published, as pnpm filters it. */
const PUBLISHED = ['./packages/*', './apps/*', './testbed'];

/** A package as it will be on npm. */
export interface Tarball {
  readonly file: string;
  /** As it is in the tarball: versions instead of `workspace:`. */
  readonly manifest: Manifest;
  /** Paths in the package, with the rights that tar shows: `-rwxr-xr-x`. */
  readonly entries: ReadonlyMap<string, string>;
}

/** Packs every package that is not private, into `folder`, as publishing does. */
export function packAll(folder: string): Tarball[] {
  execFileSync('pnpm', ['--recursive', ...PUBLISHED.map((each) => `--filter=${each}`), 'pack', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  return readdirSync(folder)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => readTarball(join(folder, name)));
}

export function readTarball(file: string): Tarball {
  const tar = (...args: string[]): string => execFileSync('tar', [...args, file], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const manifest = JSON.parse(execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' })) as Manifest;
  const entries = tar('-tvzf')
    .split('\n')
    .map((line) => /^(\S+) .* package\/(.+)$/.exec(line))
    .flatMap((match): [string, string][] => (match === null ? [] : [[match[2] ?? '', match[1] ?? '']]));
  return { file, manifest, entries: new Map(entries) };
}

/** What of a tarball would not work where it is installed; one line each. */
export function judgeTarball({ manifest, entries }: Tarball): string[] {
  const { dependencies = {}, exports = {}, bin = {}, man = [] } = manifest;
  const path = (target: string): string => target.replace(/^\.\//, '');
  return [
    ...Object.entries(dependencies)
      .filter(([, range]) => !/^[\^~]?\d+\.\d+\.\d+$/.test(range))
      .map(([name, range]) => `depends on ${name} '${range}', which is no version that npm has`),
    ...[...Object.values(exports), ...Object.values(bin), ...[man].flat()].filter((target) => !entries.has(path(target))).map((target) => `${target} is not in it; see 'files' of package.json`),
    ...Object.values(bin)
      .filter((target) => entries.get(path(target))?.startsWith('-rwx') === false)
      .map((target) => `${target} cannot be executed; chmod +x it`),
    ...['README.md', 'LICENSE'].filter((name) => !entries.has(name)).map((name) => `has no ${name}`),
  ];
}
