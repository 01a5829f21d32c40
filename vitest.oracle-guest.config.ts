import { mergeConfig } from 'vitest/config';
import guest from './vitest.guest.config.ts';

/** Tests with a real guest that cut its power, with the oracle looking at each of its flushes as well. */
export default mergeConfig(guest, {
  test: {
    globalSetup: [`${import.meta.dirname}/scripts/oracle/record.ts`],
    setupFiles: [`${import.meta.dirname}/scripts/oracle/judge.ts`],
  },
});
