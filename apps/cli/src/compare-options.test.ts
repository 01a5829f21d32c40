import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WORKLOAD_NAMES } from '@vpmem/compare';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CliError } from './cli-error.ts';
import { readCompareOptions, type CompareWords } from './compare-options.ts';

const MIB = 2 ** 20;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-cli-options-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('compares everything once unless it is told otherwise', () => {
  expect(readCompareOptions({})).toEqual({ names: WORKLOAD_NAMES, rounds: 1, seed: 7, size: 4 * MIB });
  expect(readCompareOptions({ qemu: true }).size).toBe(64 * MIB);
});

it('measures what a file costs in memory with Linux, unless something else is asked for', () => {
  expect(readCompareOptions({ qemu: true })).toMatchObject({ names: WORKLOAD_NAMES, footprint: true });
  expect(readCompareOptions({ qemu: true, workload: ['page-cache'] })).toMatchObject({ names: [], footprint: true });
  expect(readCompareOptions({ qemu: true, workload: ['page-cache', 'log'] })).toMatchObject({ names: ['log'], footprint: true });
  expect(readCompareOptions({ qemu: true, workload: ['log'] })).not.toHaveProperty('footprint');
});

it('takes what it is told, and makes the folder for what is kept', () => {
  const keep = join(folder, 'a/b');
  expect(readCompareOptions({ workload: ['log', 'torn'], seed: '4294967295', survivors: 'random', granularity: 'word', rounds: '500', size: '1G', keep })).toEqual({
    names: ['log', 'torn'],
    seed: 2 ** 32 - 1,
    survivors: 'random',
    granularity: 'word',
    rounds: 500,
    size: 1024 * MIB,
    keep,
  });
  expect(existsSync(keep)).toBe(true);
});

it.each<[CompareWords, string]>([
  [{ workload: ['tron'] }, '--workload tron: did you mean torn? there is stores, stores-fsync, log, log-fsync, torn, torn-checksum, page-cache'],
  [{ workload: ['log', 'page-cache'] }, '--workload page-cache: only Linux has a page cache; say --qemu too'],
  [{ seed: '-1' }, '--seed -1: not an integer from 0 to 4294967295'],
  [{ seed: '4294967296' }, '--seed 4294967296: not an integer from 0 to 4294967295'],
  [{ seed: '' }, '--seed : not an integer from 0 to 4294967295'],
  [{ rounds: '0' }, '--rounds 0: not an integer from 1 to 500'],
  [{ rounds: '501' }, '--rounds 501: not an integer from 1 to 500'],
  [{ survivors: 'all' }, '--survivors all: there is none, random'],
  [{ granularity: 'byte' }, '--granularity byte: there is page, sector, line, word'],
  [{ size: 'big' }, '--size big: not a size; write it like 64M'],
  [{ size: '1M' }, '--size 1M: a file has to have 2M at least'],
  [{ size: '3M' }, '--size 3M: not a multiple of 2M, in which Linux maps persistent memory'],
  [{ size: '2G' }, '--size 2G: 1G is the most; there are up to 12 files'],
  [{ size: '16M', qemu: true }, '--size 16M: with --qemu a file has to have 32M at least'],
])('%j is refused', (words, message) => {
  expect(() => readCompareOptions(words)).toThrow(new CliError(message));
});

it('puts nothing into what is no folder, cannot be one, or has such a file already', () => {
  const file = join(folder, 'log-virtio-pmem.img');
  writeFileSync(file, '');
  expect(() => readCompareOptions({ keep: file })).toThrow(`--keep ${file}: not a folder`);
  expect(() => readCompareOptions({ keep: join(file, 'x') })).toThrow(`--keep ${file}/x: cannot be made: ENOTDIR`);
  expect(() => readCompareOptions({ keep: folder })).toThrow(`--keep ${folder}: there is a file log-virtio-pmem.img already; choose a folder without it`);
  expect(readCompareOptions({ keep: folder, workload: ['torn'] }).keep).toBe(folder);
});
