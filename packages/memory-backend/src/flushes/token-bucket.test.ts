import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

it('has a burst at first, then so many a second, and no more than a burst after a pause', () => {
  let time = 0;
  const bucket = new TokenBucket({ ops: 10, burst: 3 }, () => time);
  expect([0, 0, 0, 0, 0].map(() => bucket.take())).toEqual([0, 0, 0, 100, 200]);
  time += 300;
  expect([bucket.take(), bucket.take()]).toEqual([0, 100]);
  time += 3_600_000;
  expect([0, 0, 0, 0].map(() => bucket.take())).toEqual([0, 0, 0, 100]);
});

it('what is given back was never taken', () => {
  const bucket = new TokenBucket({ ops: 1, burst: 1 }, () => 0);
  bucket.take();
  for (let i = 0; i < 100; i++) {
    expect(bucket.take()).toBe(1000);
    bucket.giveBack();
  }
});
