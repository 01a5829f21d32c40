// Makes a program of few files of an app's sources and of what the packages have built.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packages = join(dirname(dirname(fileURLToPath(import.meta.url))), 'packages');

/** Where a package has the program of a thread when it is built. */
const THREADS = {
  'device-thread': 'served-machine/dist',
  'sync-thread': 'memory-backend/dist/flushes',
  'medium-thread': 'simulated-medium/dist',
  'recorder-thread': 'simulated-medium/dist',
  'fuse-thread': 'check-places/dist/fuse',
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
  const shared = { bundle: true, platform: 'node', target: 'node20.19', format: 'esm', outdir, external, logLevel: 'warning' };
  await build({ ...shared, entryPoints: programs, splitting: true, chunkNames: '[name]-[hash]', plugins });
  await build({ ...shared, entryPoints: Object.fromEntries(threads.map((name) => [name, join(packages, THREADS[name], `${name}.js`)])) });
}
