// Files that are not of an ordinary file system: huge pages, and a block device.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, MemoryBackend, openBackend } from '@vpmem/memory-backend';
import { HugePageMount, LoopDevice, noHugePages, noLoopDevices } from '@vpmem/memory-backend/testing';
import { describe, expect, it } from 'vitest';
import type { PowerCutReport } from './power-cut.ts';
import { SimulatedMedium } from './simulated-medium.ts';

const MIB = 2 ** 20;
const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`);
const nobody = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
const flush = (medium: SimulatedMedium): Promise<unknown> => new Promise((resolve) => medium.start(resolve));

describe.skipIf(noHugePages() !== undefined)(`a file in huge pages${because(noHugePages())}`, () => {
  it('holds what was flushed, with power-failure=on', async () => {
    const [page, size] = [2 * MIB, 8 * MIB];
    const mount = await HugePageMount.of(8);
    const memPath = join(mount.folder, 'f.img');
    const backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', size, share: true, memPath, powerFailure: true });
    try {
      const medium = new SimulatedMedium(backend, nobody);
      new MemoryBackend(backend, medium).write(page, 4, 0x6c6c_6568);
      expect(await flush(medium)).toBeUndefined();
      const disk = readFileSync(memPath);
      expect([disk.length, disk.readUInt32LE(page)]).toEqual([size, 0x6c6c_6568]);
      await new Promise<void>((resolve) => medium.close(resolve));
    } finally {
      closeBackend(backend);
      rmSync(memPath);
      await mount.close();
    }
  });
});

describe.skipIf(noLoopDevices() !== undefined)(`a block device${because(noLoopDevices())}`, () => {
  it('can lose its power: what was not flushed is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-block-'));
    writeFileSync(join(folder, 'disk.img'), '');
    truncateSync(join(folder, 'disk.img'), 16 * MIB);
    const loop = new LoopDevice(join(folder, 'disk.img'));
    const backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', size: 16 * MIB, share: true, memPath: loop.path, powerFailure: true });
    try {
      const medium = new SimulatedMedium(backend, nobody);
      const memory = new MemoryBackend(backend, medium);
      memory.write(0, 4, 0x7470_656b);
      await flush(medium);
      memory.write(MIB, 4, 0x7473_6f6c);
      const report = await new Promise((resolve) => medium.cut({ survivors: 'none', granularity: 'page', seed: 1 }, resolve));
      expect((report as PowerCutReport).lostBytes).toBe(4);
      const disk = readFileSync(loop.file);
      expect([disk.readUInt32LE(0), disk.readUInt32LE(MIB)]).toEqual([0x7470_656b, 0]);
      await new Promise<void>((resolve) => medium.close(resolve));
    } finally {
      closeBackend(backend);
      loop.remove();
      rmSync(folder, { recursive: true });
    }
  });
});
