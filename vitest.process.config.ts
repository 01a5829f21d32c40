import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';

/** For tests that start programs and device threads of ours, flood them, or try every order of steps, and so take seconds; shared by every package. */
export default defineConfig({
  test: {
    include: ['src/**/*.process.test.ts'],
    pool: 'forks',
    // What other packages are is compiled already: node loads it as it is.
    server: { deps: { external: [/\/dist\//] } },
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 240_000 } },
    reporters: [['default', { summary: false }], new StatementReporter('process')],
    passWithNoTests: false,
  },
});
