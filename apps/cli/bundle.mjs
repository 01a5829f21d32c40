// Makes vpmem of its sources and those of the packages: a file for what each command needs, and one for each thread, as
// 400 modules took four times as long to load. Nobody else's code is in them: what packages of others do is imported, and stands
// among the dependencies. Imported too are vpmemd, which lies where it was installed, and the testbed, which few commands have use for.
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makeProgram } from '../../scripts/make-program.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outdir = here('dist');

/** What these packages have beside their modules, such as pages, stays where it is: they find it by where they themselves were installed. */
const INSTALLED = {
  'explorer-report': "import.meta.resolve('@vpmem/explorer-report')",
  dashboard: "import.meta.resolve('@vpmem/dashboard')",
  'page-kit': "(await import('node:url')).pathToFileURL((await import('node:module')).createRequire(import.meta.resolve('@vpmem/explorer-report')).resolve('@vpmem/page-kit')).href",
};
const staysInstalled = {
  name: 'stays-installed',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`/packages/(?:${Object.keys(INSTALLED).join('|')})/src/[\\w-]+\\.ts$`) }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const [, name] = /\/packages\/([\w-]+)\/src\/[\w-]+\.ts$/.exec(path);
      return { contents: text.replaceAll('import.meta.url', INSTALLED[name]), loader: 'ts' };
    });
  },
};

/** What is imported only to be there in time is not left out. */
const loadedAhead = {
  name: 'loaded-ahead',
  setup(bundle) {
    bundle.onResolve({ filter: /^@vpmem\/monitor\/commands$/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (pluginData === loadedAhead) return undefined;
      return { ...(await bundle.resolve(path, { kind, importer, resolveDir, pluginData: loadedAhead })), sideEffects: true };
    });
  },
};

// Of an earlier build nothing may be left that would be packed.
rmSync(outdir, { recursive: true, force: true });

await makeProgram({
  outdir,
  programs: { main: here('src/main.ts'), 'qemu/emulator': here('src/qemu/emulator.ts') },
  threads: ['device-thread', 'sync-thread', 'medium-thread', 'recorder-thread', 'fuse-thread'],
  external: ['@vpmem/daemon', '@vpmem/testbed', 'commander', 'ink', 'koffi', 'picocolors', 'prom-client', 'react', 'string-width', 'zod'],
  plugins: [staysInstalled, loadedAhead],
});
