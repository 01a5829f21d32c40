import { expect, it } from 'vitest';
import { kib, readResident } from './host-memory.ts';

const STATUS = 'Name:\tqemu\nVmRSS:\t  300 kB\nRssAnon:\t  100 kB\nRssFile:\t   80 kB\nRssShmem:\t  120 kB\n';

it('reads what a process has resident, by what is behind it', () => {
  expect(readResident(STATUS)).toEqual({ anonymous: 100 * 1024, file: 80 * 1024, shmem: 120 * 1024 });
});

it('takes a line by its whole name', () => {
  expect(kib('SwapCached:   1 kB\nCached:       7 kB\n', 'Cached')).toBe(7 * 1024);
  expect(() => kib('SwapCached:   1 kB\n', 'Cached')).toThrow('the kernel says nothing of Cached');
});
