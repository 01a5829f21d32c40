import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';
import { projectsOf } from './vitest.projects.ts';

/** The tests of processes of all packages in one run, of which a folder's name chooses some: pnpm and vitest take four processor seconds to start. */
export default defineConfig({
  test: {
    projects: projectsOf('test:process', './vitest.process.config.ts', 'src/**/*.process.test.ts'),
    reporters: [['default', { summary: false }], new StatementReporter('process')],
    passWithNoTests: false,
  },
});
