import { expect, it } from 'vitest';
import { RemarkLimit } from './remark-limit.ts';

it('passes twenty, then two a second, and says how many it left out', () => {
  let time = 0;
  const limit = new RemarkLimit(() => time);
  const passed = Array.from({ length: 1000 }, (_, i) => limit.pass(`${i}`)).filter((text) => text !== undefined);
  expect(passed).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  time += 500;
  expect([limit.pass('a'), limit.pass('b')]).toEqual(['a (980 before it were left out)', undefined]);
  time += 3_600_000;
  expect(Array.from({ length: 30 }, () => limit.pass('c')).filter((text) => text !== undefined)).toHaveLength(20);
});
