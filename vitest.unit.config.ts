import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';
import { projectsOf } from './vitest.projects.ts';

/** The unit tests of all packages in one run: to start one takes a second, and most packages' tests take no more. */
export default defineConfig({
  test: {
    projects: projectsOf('test', './vitest.config.ts', 'src/**/*.test.ts'),
    reporters: [['default', { summary: false }], new StatementReporter('unit')],
    passWithNoTests: false,
  },
});
