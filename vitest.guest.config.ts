import { defineConfig } from 'vitest/config';
import { StatementReporter } from './scripts/docs/statement-reporter.ts';
import { SHARED } from './vitest.shared.ts';

/** For tests that boot a real guest; shared by every package, of which each boots one at a time. */
export default defineConfig({
  test: {
    include: ['tests/**/*.guest.test.ts', 'src/**/*.guest.test.ts'],
    ...SHARED,
    fileParallelism: false,
    reporters: [['default', { summary: false }], new StatementReporter('guest')],
  },
});
