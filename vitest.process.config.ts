import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';
import { SHARED } from './vitest.shared.ts';

/** For tests that start programs and device threads of ours, flood them, or try every order of steps, and so take seconds; shared by every package. */
export default defineConfig({
  test: {
    include: ['src/**/*.process.test.ts'],
    ...SHARED,
    setupFiles: [`${import.meta.dirname}/scripts/forget-last-stat.ts`],
    reporters: [['default', { summary: false }], new StatementReporter('process')],
  },
});
