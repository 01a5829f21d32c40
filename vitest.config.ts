import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';
import { SHARED } from './vitest.shared.ts';

/** Shared by every package; each runs its own tests with `vitest run` in its own folder. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    // Those are for vitest.guest.config.ts and vitest.process.config.ts.
    exclude: ['**/*.guest.test.ts', '**/*.process.test.ts', '**/node_modules/**'],
    ...SHARED,
    setupFiles: [`${import.meta.dirname}/scripts/forget-last-stat.ts`],
    reporters: [['default', { summary: false }], new StatementReporter('unit')],
  },
});
