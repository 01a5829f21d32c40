import { expect } from 'vitest';

/** What `look` finds once it finds the same twice: who disconnects is not waited for by a daemon. */
export async function settled(look: () => unknown, timeout: number): Promise<unknown> {
  let last: unknown;
  await expect.poll(() => {
    const now = JSON.stringify(look());
    const same = now === last;
    last = now;
    return same;
  }, { interval: 50, timeout }).toBe(true);
  return look();
}
