import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmbeddedRig } from './embedded-rig.ts';
import { DEVICES, type Trial } from './rig.ts';
import { AREA, lastSeen, type WorkloadName } from './workload.ts';
import { workload } from './workload-list.ts';

const SIZE = 4 * 2 ** 20;
const LINES = { survivors: 'random', granularity: 'line', seed: 3 } as const;

let folder: string;
let temporary: string | undefined;
let rig: EmbeddedRig;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-compare-test-'));
  temporary = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  rig = new EmbeddedRig(SIZE);
});
afterEach(async () => {
  await rig.close();
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  const left = readdirSync(folder).filter((name) => name !== 'kept');
  rmSync(folder, { recursive: true });
  expect(left).toEqual([]);
});

const trials = (name: WorkloadName): Trial[] => DEVICES.map((device) => ({ workload: workload(name), device }));

it('leaves of plain stores the same on both devices, which is what is in the file', async () => {
  const both = trials('stores');
  for (const trial of both) await rig.perform(trial);
  const losses = [];
  for (const trial of both) losses.push(await rig.cut(trial, LINES));
  await rig.restart();
  const left = [];
  for (const trial of both) {
    left.push((await rig.left(trial)).bytes);
    rig.keep(trial, join(folder, 'kept'));
    const kept = readFileSync(join(folder, 'kept'));
    rmSync(join(folder, 'kept'));
    expect(kept.length).toBe(SIZE);
    expect(kept.subarray(0, AREA).equals(left.at(-1) ?? Buffer.alloc(0))).toBe(true);
  }
  expect(losses[0]).toEqual(losses[1]);
  expect(losses[0]).toEqual({ lost: expect.any(Number) as number, survived: 16 * 12288 - (losses[0]?.lost ?? 0) });
  expect(left[0]?.equals(left[1] ?? Buffer.alloc(0))).toBe(true);
  expect(left[0]?.equals(lastSeen(workload('stores')))).toBe(false);
});

it('has lost nothing of what was fsynced on virtio-pmem, where nothing else was stored', async () => {
  const [pmem] = trials('stores-fsync');
  if (pmem === undefined) throw new TypeError('there are two devices');
  await rig.perform(pmem);
  expect(await rig.cut(pmem, { ...LINES, survivors: 'none' })).toEqual({ lost: 0, survived: 0 });
  await rig.restart();
  expect((await rig.left(pmem)).bytes.equals(lastSeen(pmem.workload))).toBe(true);
});

it('can be closed at any time, and more than once', async () => {
  const [pmem] = trials('log');
  if (pmem !== undefined) await rig.perform(pmem);
  await rig.close();
  await rig.close();
  expect(readdirSync(folder)).toEqual([]);
});
