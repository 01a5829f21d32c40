import { expect, it } from 'vitest';
import { FreshReads } from './fresh-reads.ts';

function counted(): { reads: FreshReads<number>; begun: () => number; finish: () => void } {
  let begun = 0;
  let finish: () => void = () => undefined;
  const reads = new FreshReads(() => {
    const mine = ++begun;
    return new Promise<number>((resolve) => (finish = () => resolve(mine)));
  });
  return { reads, begun: () => begun, finish: () => finish() };
}

it('those who ask at once share a read', async () => {
  const { reads, begun, finish } = counted();
  const all = [reads.read(), reads.read(), reads.read()];
  await expect.poll(begun).toBe(1);
  finish();
  expect(await Promise.all(all)).toEqual([1, 1, 1]);
});

it('who asks while something is read gets what was read later', async () => {
  const { reads, begun, finish } = counted();
  const first = reads.read();
  await expect.poll(begun).toBe(1);
  const later = [reads.read(), reads.read()];
  finish();
  expect(await first).toBe(1);
  await expect.poll(begun).toBe(2);
  finish();
  expect(await Promise.all(later)).toEqual([2, 2]);
});

it('a read that fails is over for those who shared it, and the next is another', async () => {
  let fail = true;
  const reads = new FreshReads(() => (fail ? Promise.reject(new Error('no')) : Promise.resolve('yes')));
  const both = await Promise.allSettled([reads.read(), reads.read()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fail = false;
  expect(await reads.read()).toBe('yes');
});
