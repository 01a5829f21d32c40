import { expect, it } from 'vitest';
import { pagesAfter, pagesBefore } from './page-map.ts';
import { AREA, lastSeen, PAGE } from './workload.ts';
import { workload } from './workload-list.ts';

const log = workload('log-fsync');
const before = `${'#'.repeat(45)}${'o'.repeat(3)}${'.'.repeat(16)}`;
const left = (change: (bytes: Buffer) => void): string => {
  const bytes = lastSeen(log);
  change(bytes);
  return pagesAfter(log, bytes);
};

it('shows what was stored before the last fsync, what after it, and what never', () => {
  expect(pagesBefore(log)).toBe(before);
  expect(pagesBefore(workload('stores'))).toBe(`${'o'.repeat(48)}${'.'.repeat(16)}`);
});

it('shows what is there, torn, and lost', () => {
  expect(left(() => undefined)).toBe(before.replaceAll('o', '#'));
  expect(left((bytes) => bytes.fill(0))).toBe(`${'x'.repeat(48)}${'.'.repeat(16)}`);
  expect(left((bytes) => bytes.fill(0, 8, 16))).toBe(before.replaceAll('o', '#').replace('#', '~'));
  expect(left((bytes) => bytes.fill(0, 47 * PAGE, 48 * PAGE))).toBe(`${'#'.repeat(47)}x${'.'.repeat(16)}`);
});

it('holds a file that is shorter for one that has lost its end, and bytes nobody stored for torn', () => {
  expect(pagesAfter(log, lastSeen(log).subarray(0, PAGE + 1))).toBe(`#~${'x'.repeat(46)}${'.'.repeat(16)}`);
  expect(pagesAfter(log, Buffer.alloc(0))).toBe(`${'x'.repeat(48)}${'.'.repeat(16)}`);
  expect(left((bytes) => bytes.fill(1, AREA - 1))).toMatch(/#\.{15}~$/);
});
