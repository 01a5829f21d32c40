import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blockDeviceSize, dropBlockCache, turnReadAheadOff } from './block-device.ts';
import { KernelLog } from '../kernel-log.ts';
import { attachLoopDevice, detachLoopDevice } from './loop-device.ts';
import { mount, MOUNT_FLAGS, mountSoon, unmount, unmountSoon } from './mount.ts';

const MIB = 2 ** 20;
const root = process.getuid?.() === 0;

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'vpmem-mount-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const mounted = (): string | undefined => readFileSync('/proc/mounts', 'utf8').split('\n').find((line) => line.split(' ')[1] === folder);

describe.skipIf(!root)(`a mount${root ? '' : ' (skipped: it takes root)'}`, () => {
  it('comes and goes, by this thread and by another', async () => {
    const request = { source: 'vpmem', target: folder, type: 'tmpfs', flags: MOUNT_FLAGS.noexec ?? 0, data: 'size=1m' };
    mount(request);
    expect(mounted()).toMatch(/^vpmem \S+ tmpfs \S*noexec\S*size=1024k/);
    unmount(folder);
    expect(mounted()).toBeUndefined();
    await mountSoon(request);
    expect(mounted()).toBeDefined();
    const file = openSync(join(folder, 'open'), 'w');
    await expect(unmountSoon(folder)).rejects.toMatchObject({ code: 'EBUSY', syscall: 'umount2' });
    unmount(folder, { lazy: true });
    expect(mounted()).toBeUndefined();
    closeSync(file);
  });

  it('that fails says why', async () => {
    const request = { source: 'vpmem', target: folder, type: 'nosuchfs' };
    expect(() => mount(request)).toThrow(`mount ${folder}: no such device (ENODEV)`);
    await expect(mountSoon(request)).rejects.toThrow(`mount ${folder}: no such device (ENODEV)`);
    await expect(mountSoon({ ...request, type: 'tmpfs', data: 'nosuchoption' })).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(unmountSoon(folder)).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

describe.skipIf(!root)(`a loop device${root ? '' : ' (skipped: it takes root)'}`, () => {
  it('is what its file is, once its cache was dropped', () => {
    const file = openSync(join(folder, 'file'), 'wx+');
    ftruncateSync(file, MIB);
    const path = attachLoopDevice(file);
    const device = openSync(path, 'r+');
    try {
      turnReadAheadOff(device);
      expect(blockDeviceSize(device)).toBe(MIB);
      expect(readFileSync(`/sys/block/${path.slice(5)}/queue/read_ahead_kb`, 'utf8')).toBe('0\n');
      const byte = Buffer.alloc(1);
      const read = (): number => (readSync(device, byte, 0, 1, 8192), byte[0] ?? -1);
      expect(read()).toBe(0);
      writeSync(file, Buffer.of(7), 0, 1, 8192);
      expect(read()).toBe(0);
      dropBlockCache(device);
      expect(read()).toBe(7);
    } finally {
      closeSync(device);
      detachLoopDevice(path);
      closeSync(file);
    }
    expect(() => detachLoopDevice(path)).toThrow(`ioctl LOOP_CLR_FD ${path}: no such device or address (ENXIO)`);
  });
});

describe.skipIf(!root)(`the kernel's log${root ? '' : ' (skipped: it takes root)'}`, () => {
  it('tells what was said since', () => {
    writeFileSync('/dev/kmsg', '<6>vpmem: before\n');
    const log = new KernelLog();
    try {
      const own = (): unknown[] => [...log.take()].filter(({ text }) => text.startsWith('vpmem:'));
      expect(own()).toEqual([]);
      writeFileSync('/dev/kmsg', '<4>vpmem: a; b\n');
      expect(own()).toEqual([{ level: 4, text: 'vpmem: a; b' }]);
      writeFileSync('/dev/kmsg', '<4>vpmem: c\n');
      log.skip();
      expect(own()).toEqual([]);
    } finally {
      log.close();
    }
  });
});
