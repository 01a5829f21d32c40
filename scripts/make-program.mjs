// Makes a program of few files of an app's sources and those of packages.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { entryOf, SHARED, sourceOf, THREADS } from './bundle-package.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const manifests = new Map();

/** It is asked for with each import of the package. */
function manifestOf(folder) {
  const known = manifests.get(folder) ?? JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifests.set(folder, known);
  return known;
}

/**
 * Packages are taken from their sources, of which each file goes where it is needed: what a package was built to is one file,
 * which would come as a whole.
 */
const fromSources = {
  name: 'from-sources',
  setup({ onResolve }) {
    onResolve({ filter: /^@vpmem\/[\w-]+(\/[\w-]+)?$/ }, ({ path }) => {
      const [, name, entry] = path.split('/');
      const folder = join(root, 'packages', name);
      if (!existsSync(folder)) return undefined;
      const { exports, sideEffects } = manifestOf(folder);
      return { path: sourceOf(folder, entryOf(exports[entry === undefined ? '.' : `./${entry}`])), sideEffects };
    });
  },
};

/**
 * Writes into `outdir` a file for each program, files for what they have in common or load later, named by their content, and a file for
 * each thread: it lies beside whatever starts it, under the name it has in its package, see `threadProgram`.
 *
 * @param programs entry points, by what they are to be called
 * @param threads names of {@link THREADS}
 * @param external what is imported and not put in: code of others, and packages that are found where they are installed
 * @param plugins of esbuild, for the programs
 */
export async function makeProgram({ outdir, programs, threads, external, plugins = [] }) {
  const shared = { ...SHARED, outdir, external };
  await build({ ...shared, entryPoints: programs, plugins: [...plugins, fromSources] });
  await build({ ...shared, splitting: false, entryPoints: Object.fromEntries(threads.map((name) => [name, join(root, THREADS[name])])), plugins: [fromSources] });
}
