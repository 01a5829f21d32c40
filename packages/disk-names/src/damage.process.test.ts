// Real images with damage of any kind: names for every byte, no exception, and an end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparePackages, requireTestbed, TestbedError, type PackageTree } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ext4Tools } from '../tests/ext4-tools.ts';
import { FileImage } from '../tests/file-image.ts';
import { MemoryImage } from '../tests/memory-image.ts';
import { fillSampleFolder } from '../tests/sample-folder.ts';
import { XfsTools } from '../tests/xfs-tools.ts';
import { listFiles, readFile } from './files.ts';
import { nameBytes } from './name-bytes.ts';

const { testbed, reason } = await requireTestbed();
let packages: PackageTree | undefined;
let missing = reason;
if (missing === undefined) {
  try {
    packages = await preparePackages('sqlite-1', ['sqlite3']);
  } catch (error) {
    if (!(error instanceof TestbedError) || process.env.CI === 'true') throw error;
    missing = error.message;
  }
}

const ROUNDS = 40;
/** Milliseconds of one round; it is there to find what never ends, on a machine that does much else. */
const LONGEST = 20_000;
const SECTOR = 512;

describe.skipIf(missing !== undefined)(`damaged images${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string;
  const source = (): string => join(folder, 'source');
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-damage-names-'));
    mkdirSync(source());
    fillSampleFolder(source());
    const [command = '', ...words] = packages?.command('usr/bin/sqlite3') ?? [];
    execFileSync(command, [...words, '-batch', join(source(), 'db')], { input: 'PRAGMA page_size=1024; CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT randomblob(i * 5) FROM n;' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const images: readonly (readonly [string, (name: string) => string])[] = [
    ['ext4', (name) => new Ext4Tools(testbed!.tools, folder).make(name, 24 * 2 ** 20, ['-b', '1024', '-d', source()])],
    ['ext4 without extents', (name) => new Ext4Tools(testbed!.tools, folder).make(name, 24 * 2 ** 20, ['-b', '1024', '-O', '^extent,^64bit', '-d', source()])],
    ['XFS', (name) => new XfsTools(testbed!.tools, folder).make(name, 48 * 2 ** 20, [], source())],
  ];

  it.each(images)('%s', (kind, make) => {
    const whole = new FileImage(make(kind.replaceAll(' ', '-')));
    const spots: number[] = [];
    for (let at = 0; at < whole.size; at += SECTOR) if (whole.bytes.subarray(at, at + SECTOR).some((byte) => byte !== 0)) spots.push(at);
    // The same memory each time: to get new memory takes longer than to fill it.
    const damaged = new MemoryImage(new Uint8Array(whole.size));
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = numbers(seed);
      const spot = (): number => spots[random(random(2) === 0 ? Math.min(spots.length, 800) : spots.length)] ?? 0;
      damaged.bytes.set(whole.bytes);
      for (let i = random(random(2) === 0 ? 5 : 1500); i >= 0; i--) damage(damaged.bytes, spot, random);
      const ranges = Array.from({ length: 150 }, () => ({ offset: Math.floor(spot() / 4096) * 4096, length: 4096 }));
      const began = performance.now();
      const names = nameBytes(random(2) === 0 ? [damaged] : [damaged, whole], ranges);
      for (const { path } of (listFiles(damaged) ?? []).slice(0, 10)) readFile(damaged, path);
      expect(performance.now() - began, `seed ${seed}`).toBeLessThan(LONGEST);
      expect(names.reduce((sum, { length }) => sum + length, 0), `seed ${seed}`).toBe(150 * 4096);
    }
  });
});

function damage(bytes: Uint8Array, spot: () => number, random: (below: number) => number): void {
  const at = spot() + random(SECTOR);
  const copy = (to: number): void => {
    const from = spot();
    bytes.copyWithin(to, from, from + SECTOR);
  };
  const kinds = [
    () => void (bytes[at] = random(256)),
    () => bytes.fill(0xff, at, at + random(16)),
    () => bytes.fill(0, at, at + random(2 * SECTOR)),
    () => copy(at),
    () => copy(spot()),
  ];
  kinds[random(kinds.length)]?.();
}

function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
