// Makes few files of a package's many, as node takes half the time to load them: `node ../../scripts/bundle-package.mjs` in its folder,
// beside the types that tsc writes. A file for each entry and each thread, and one for what several of these have in common.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The programs of threads: a package has them beside its entries, whatever folder of `src` they are in, see `threadProgram`. */
export const THREADS = {
  'device-thread': 'packages/served-machine/src/device-thread.ts',
  'sync-thread': 'packages/memory-backend/src/flushes/sync-thread.ts',
  'medium-thread': 'packages/simulated-medium/src/medium-thread.ts',
  'recorder-thread': 'packages/simulated-medium/src/recorder-thread.ts',
  'fuse-thread': 'packages/check-places/src/fuse/fuse-thread.ts',
};

/** What every bundle of ours is, that of a package or of an app. */
export const SHARED = { bundle: true, splitting: true, chunkNames: '[name]-[hash]', platform: 'node', target: 'node20.19', format: 'esm', logLevel: 'warning' };

/**
 * Writes what the `exports` of a package name, and its threads, into its `dist`. What it imports of others stays an import, so that
 * there is one of each.
 *
 * @param folder of the package
 */
export async function bundlePackage(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap((target) => entryOf(target) ?? []);
  const threads = Object.keys(THREADS).filter((name) => THREADS[name].startsWith(`packages/${basename(folder)}/`));
  const outdir = join(folder, 'dist');
  removeScripts(outdir);
  await build({
    ...SHARED,
    entryPoints: Object.fromEntries([
      ...entries.map((name) => [name, sourceOf(folder, name)]),
      ...threads.map((name) => [name, join(folder, '../..', THREADS[name])]),
    ]),
    outdir,
    // Names of sources stand in the files, which are the same wherever this was called from.
    absWorkingDir: resolve(folder),
    packages: 'external',
    sourcemap: true,
    sourcesContent: false,
  });
}

/** The name of what an `exports` says is built, from the folder for that; undefined of `./package.json`. */
export function entryOf(target) {
  return /^\.\/dist\/(.*)\.js$/.exec(target)?.[1];
}

/** What an entry of a package is built of. */
export function sourceOf(folder, entry) {
  return join(folder, 'src', `${entry}.ts`);
}

/** Of an earlier build nothing may be left that would be packed. */
export function removeScripts(folder) {
  if (!existsSync(folder)) return;
  for (const each of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (each.isFile() && /\.js(\.map)?$/.test(each.name)) rmSync(join(each.parentPath, each.name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundlePackage(process.cwd());
