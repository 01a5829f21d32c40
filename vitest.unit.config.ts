import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';
import { workspaceFolders } from './scripts/workspace-folders.mjs';

const root = import.meta.dirname;

/** What `npm test` has of a package, by its own words. */
function scriptOf(folder: string): string | undefined {
  return (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { scripts?: Record<string, string> }).scripts?.test;
}

/** The unit tests of all packages in one run: to start one takes a second, and most packages' tests take no more. */
export default defineConfig({
  test: {
    projects: workspaceFolders(root).flatMap((folder) => {
      const script = scriptOf(folder);
      if (script === undefined) return [];
      return [{ extends: './vitest.config.ts', root: join(root, folder), test: { name: folder, isolate: !script.includes('--no-isolate') } }];
    }),
    reporters: [['default', { summary: false }], new StatementReporter('unit')],
    passWithNoTests: false,
  },
});
