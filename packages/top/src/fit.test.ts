import { expect, it } from 'vitest';
import { formatBytes } from './bytes.ts';
import { breakLines, fit, fullWidth } from './fit.ts';
import { sparkline } from './sparkline.ts';

it.each<[text: string, width: number, align: 'left' | 'right', shown: string]>([
  ['nv1', 5, 'left', 'nv1  '],
  ['nv1', 5, 'right', '  nv1'],
  ['virtio', 4, 'left', 'vir…'],
  ['日本語', 6, 'left', '日本語'],
  ['日本語', 5, 'left', '日本…'],
  ['日本語', 4, 'right', ' 日…'],
  ['a\x1b[2Jb', 9, 'left', 'a\ufffd[2Jb   '],
  ['ab', 1, 'left', '…'],
  ['ab', 0, 'left', ''],
])('%j in %i columns, %s, is %j', (text, width, align, shown) => {
  expect(fit(text, width, align)).toBe(shown);
  expect(fullWidth(fit(text, width, align))).toBe(width);
});

it('lines are broken between words', () => {
  expect(breakLines('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  expect(breakLines('one two', 4, '  ')).toEqual(['one', '  two']);
});

it.each<[values: (number | undefined)[], width: number, shown: string]>([
  [[0, 1, 2, 4, 8], 5, '▁▂▃▅█'],
  [[1, 2], 4, '  ▅█'],
  [[9, 0, undefined, 0], 3, '▁ ▁'],
  [[], 3, '   '],
  [[5], 0, ''],
])('bars of %j in %i columns are %j', (values, width, shown) => {
  expect(sparkline(values, width)).toBe(shown);
});

it.each<[bytes: number, shown: string]>([[0, '0B'], [512, '512B'], [1000, '1.0K'], [4096, '4K'], [2 ** 28, '256M'], [2 ** 30 * 1.5, '1.5G'], [2 ** 53, '8P'], [1023, '1.0K']])('%i bytes are %s', (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown);
});
