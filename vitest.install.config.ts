import { defineConfig } from 'vitest/config';

/** Packages as users install them, from a registry that the test starts. */
export default defineConfig({
  test: {
    include: ['scripts/install/*.test.ts'],
    // Those of an installation that is there, in their order.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    reporters: [['default', { summary: false }]],
    passWithNoTests: false,
  },
});
