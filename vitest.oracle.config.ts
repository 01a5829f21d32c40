import { defineConfig } from 'vitest/config';
import { NOT_EXCEPTED } from './scripts/oracle/exceptions.ts';
import { SHARED } from './vitest.shared.ts';

/** Tests with power-failure=on and an oracle of their own, which `test:process` runs: here once more in the long form. */
const SEEN = process.env.VPMEM_ALL === '1' ? [] : ['**/power-failure.process.test.ts'];

/**
 * The same tests once more, with power-failure=on for every backend that can have it, and an oracle that looks at every flush:
 * what memory held when it was asked for is in the file when it is answered. A package names its files that flush.
 */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    exclude: ['**/*.guest.test.ts', '**/node_modules/**', ...SEEN],
    testNamePattern: NOT_EXCEPTED,
    globalSetup: [`${import.meta.dirname}/scripts/oracle/record.ts`],
    setupFiles: [`${import.meta.dirname}/scripts/oracle/judge.ts`],
    ...SHARED,
    reporters: [['default', { summary: false }]],
  },
});
