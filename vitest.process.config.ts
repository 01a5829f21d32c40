import { defineConfig } from 'vitest/config';

/** For tests that start programs of ours, or flood them, and so take seconds; shared by every package. */
export default defineConfig({
  test: {
    include: ['src/**/*.process.test.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: [['default', { summary: false }]],
    passWithNoTests: false,
  },
});
