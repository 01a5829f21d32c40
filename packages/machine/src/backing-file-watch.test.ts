import { mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeBackend, openBackend, type BackendDescription } from '@vpmem/memory-backend';
import { LoopDevice, noLoopDevices } from '@vpmem/memory-backend/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackingFileWatch } from './backing-file-watch.ts';
import type { MachineEvents } from './machine-event.ts';

const SIZE = 2 ** 20;
let folder: string;
let path: string;
let backend: BackendDescription;
let told: MachineEvents['PMEM_BACKING_FILE_CHANGED'][];
let watch: BackingFileWatch;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-watch-'));
  path = join(folder, 'mem1.img');
  backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path, size: SIZE, share: true });
  told = [];
  watch = new BackingFileWatch(() => [backend], (change) => told.push(change));
});
afterEach(() => {
  watch.close();
  closeBackend(backend);
  rmSync(folder, { recursive: true });
});

const replace = (): void => {
  writeFileSync(`${path}.new`, Buffer.alloc(SIZE));
  renameSync(`${path}.new`, path);
};

describe('BackingFileWatch', () => {
  it('says nothing while nothing happens, or the file only grows', async () => {
    await watch.look();
    truncateSync(path, 2 * SIZE);
    await watch.look();
    expect(told).toEqual([]);
  });

  it.each<[string, () => void]>([
    ['truncated', () => truncateSync(path, 4096)],
    ['deleted', () => rmSync(path)],
    ['replaced', replace],
  ])('tells of a file that was %s, once', async (change, harm) => {
    harm();
    await watch.look();
    await watch.look();
    expect(told).toEqual([{ memdev: 'mem1', 'backing-file': path, change, reason: expect.any(String) as string }]);
  });

  it('tells of the next change, and of the same again after it was mended', async () => {
    truncateSync(path, 0);
    await watch.look();
    truncateSync(path, SIZE);
    await watch.look();
    truncateSync(path, 0);
    await watch.look();
    truncateSync(path, SIZE);
    replace();
    await watch.look();
    expect(told.map(({ change }) => change)).toEqual(['truncated', 'truncated', 'replaced']);
  });

  it('tells of a file system that is full only while the file has holes', async () => {
    const full = new BackingFileWatch(() => [backend], (change) => told.push(change), () => Promise.resolve(0));
    await full.look();
    expect(told).toMatchObject([{ change: 'no-space', reason: expect.stringContaining(`${SIZE} bytes of it are not allocated`) as string }]);
    writeFileSync(path, Buffer.alloc(SIZE, 1));
    await full.look();
    truncateSync(path, 0);
    truncateSync(path, SIZE);
    await full.look();
    expect(told.map(({ change }) => change)).toEqual(['no-space', 'no-space']);
    full.close();
  });

  it('does not care about the file of a private copy', async () => {
    closeBackend(backend);
    backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path, size: SIZE });
    rmSync(path);
    await watch.look();
    expect(told).toEqual([]);
  });
});

const noLoop = noLoopDevices();

describe.skipIf(noLoop !== undefined)(`BackingFileWatch of a block device${noLoop === undefined ? '' : ` (skipped: ${noLoop})`}`, () => {
  let loop: LoopDevice;
  let link: string;
  const full = (): Promise<number> => Promise.resolve(0);
  beforeEach(async () => {
    closeBackend(backend);
    watch.close();
    loop = new LoopDevice(path);
    link = join(folder, 'link');
    symlinkSync(loop.path, link);
    backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: link, size: SIZE, share: true });
    watch = new BackingFileWatch(() => [backend], (change) => told.push(change), full);
  });
  afterEach(() => loop.remove());

  it('says nothing while nothing happens: it has its storage, and is as long as it is', async () => {
    await watch.look();
    expect(told).toEqual([]);
  });

  it('tells of one that became shorter', async () => {
    truncateSync(path, SIZE / 2);
    loop.resize();
    await watch.look();
    expect(told).toMatchObject([{ change: 'truncated', reason: `the block device has ${SIZE / 2} bytes, of the ${SIZE} it had: a VM that touches what is missing dies of SIGBUS` }]);
  });

  it('tells of a name that is gone, or leads elsewhere', async () => {
    rmSync(link);
    await watch.look();
    symlinkSync(path, link);
    await watch.look();
    expect(told).toMatchObject([
      { change: 'deleted', reason: 'the block device has no such name any more; what is written still goes to it, if it is there' },
      { change: 'replaced', reason: 'another device has its name now; what is written still goes to the one that was opened' },
    ]);
  });
});
