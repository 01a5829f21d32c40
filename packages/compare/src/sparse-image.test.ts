import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SparseImage } from './sparse-image.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-compare-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is the same file again, without what is zero', () => {
  const bytes = Buffer.alloc(4 * 2 ** 20 + 10);
  bytes.write('first', 0);
  bytes.write('middle', 2 ** 21 - 3);
  bytes.write('last', bytes.length - 4);
  writeFileSync(join(folder, 'a'), bytes);
  SparseImage.read(join(folder, 'a')).write(join(folder, 'b'));
  expect(readFileSync(join(folder, 'b')).equals(bytes)).toBe(true);
  expect(statSync(join(folder, 'b')).blocks * 512).toBeLessThan(2 ** 20);
  expect(() => SparseImage.read(join(folder, 'a')).write(join(folder, 'b'))).toThrow('EEXIST');
});
