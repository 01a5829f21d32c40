import { expect, it } from 'vitest';
import { formatTable } from './table.ts';

it('columns are as wide as their widest cell, numbers to the right, and nothing trails', () => {
  expect(formatTable(['NAME', 'N', 'FILE'], [['a', '1', 'x'], ['longer', '234', '']], ['N'])).toBe('NAME      N  FILE\na         1  x\nlonger  234\n');
  expect(formatTable(['A', 'B'], [['x']])).toBe('A  B\nx\n');
  expect(formatTable(['A'], [])).toBe('A\n');
});

it('what would move the cursor does not', () => {
  expect(formatTable(['A', 'B'], [['a\nb', '\u001b[2J']])).toBe('A    B\na\ufffdb  \ufffd[2J\n');
});
