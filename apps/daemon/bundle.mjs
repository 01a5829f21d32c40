// Makes vpmemd of its sources and those of the packages: one file for what every start needs, and one for each thread, as
// 150 modules apiece took twice as long to load, and 20 MiB. What is loaded later, or perhaps never, is a file of its own, named by
// its content, so that a vpmemd which is replaced while it runs does not load what belongs to another. Nobody else's code is in
// them: what packages of others do is imported, and stands among the dependencies.
import { fileURLToPath } from 'node:url';
import { removeScripts } from '../../scripts/bundle-package.mjs';
import { makeProgram } from '../../scripts/make-program.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outdir = here('dist');

removeScripts(outdir);

await makeProgram({
  outdir,
  programs: { main: here('src/main.ts'), 'daemon-process': here('src/daemon-process.ts') },
  threads: ['device-thread', 'sync-thread', 'medium-thread', 'recorder-thread'],
  external: ['koffi', 'prom-client', 'zod'],
});
