import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';

/** Shared by every package; each runs its own tests with `vitest run` in its own folder. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    // Those are for vitest.guest.config.ts and vitest.process.config.ts.
    exclude: ['**/*.guest.test.ts', '**/*.process.test.ts', '**/node_modules/**'],
    // A process for each file where one takes all descriptors or counts what its process has. The others say --no-isolate, which takes half the time.
    pool: 'forks',
    // What other packages are is compiled already: node loads it as it is.
    server: { deps: { external: [/\/dist\//] } },
    // Limits end a hang, on a machine with forty times as much to do as it can.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 240_000 } },
    reporters: [['default', { summary: false }], new StatementReporter('unit')],
    passWithNoTests: false,
  },
});
