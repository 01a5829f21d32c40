import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';

const root = import.meta.dirname;
const folders = [...['packages', 'apps'].flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`)), 'testbed', 'bench', 'fuzz'];

/** What `npm test` has of a package, by its own words. */
function scriptOf(folder: string): string | undefined {
  const manifest = join(root, folder, 'package.json');
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { scripts?: Record<string, string> }).scripts?.test;
}

/** The unit tests of all packages in one run: to start one takes a second, and most packages' tests take no more. */
export default defineConfig({
  test: {
    projects: folders.flatMap((folder) => {
      const script = scriptOf(folder);
      if (script === undefined) return [];
      return [{ extends: './vitest.config.ts', root: join(root, folder), test: { name: folder, isolate: !script.includes('--no-isolate') } }];
    }),
    reporters: [['default', { summary: false }], new StatementReporter('unit')],
    passWithNoTests: false,
  },
});
