// Makes vpmemd of its sources and of what the packages have built: one file for what every start needs, and one for each thread, as
// 150 modules apiece took twice as long to load, and 20 MiB. What is loaded later, or perhaps never, is a file of its own, named by
// its content, so that a vpmemd which is replaced while it runs does not load what belongs to another. Nobody else's code is in
// them: what packages of others do is imported, and stands among the dependencies.
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outdir = here('dist');

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  outdir,
  external: ['koffi', 'prom-client', 'zod'],
  logLevel: 'warning',
};

// Of an earlier build nothing may be left that would be packed.
for (const name of readdirSync(outdir)) if (name.endsWith('.js') && name !== 'daemon-process.js') rmSync(`${outdir}/${name}`);

await build({ ...shared, entryPoints: { main: here('src/main.ts') }, splitting: true, chunkNames: '[name]-[hash]' });

/** Programs of threads: each lies beside whatever starts it, under the name it has in its package, see `threadProgram`. */
const threads = { 'device-thread': 'served-machine/dist', 'sync-thread': 'memory-backend/dist/flushes', 'medium-thread': 'simulated-medium/dist', 'recorder-thread': 'simulated-medium/dist' };
const program = ([name, from]) => [name, here(`../../packages/${from}/${name}.js`)];
await build({ ...shared, entryPoints: Object.fromEntries(Object.entries(threads).map(program)) });
