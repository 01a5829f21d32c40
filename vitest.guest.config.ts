import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';

/** For tests that boot a real guest; shared by every package, of which each boots one at a time. */
export default defineConfig({
  test: {
    include: ['tests/**/*.guest.test.ts', 'src/**/*.guest.test.ts'],
    pool: 'forks',
    // What other packages are is compiled already: node loads it as it is.
    server: { deps: { external: [/\/dist\//] } },
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 240_000 } },
    reporters: [['default', { summary: false }], new StatementReporter('guest')],
    passWithNoTests: false,
  },
});
