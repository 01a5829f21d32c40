// A disk loses a write, the kernel says so, once, and vpmemd is killed before it has heard: the one after it must not say that all is well.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlushError, Guest } from '@vpmem/guest';
import { LoopDevice, noLoopDevices } from '@vpmem/memory-backend/testing';
import { requireTestbed } from '@vpmem/testbed';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { PATIENCE } from './daemon-guests.ts';
import { Tracer } from './fault-injection.ts';

const { testbed, reason: noTestbed } = await requireTestbed();
const reason = noTestbed ?? noLoopDevices();
const SIZE = 16 * 2 ** 20;

describe.skipIf(reason !== undefined)(`a write that is lost${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let loop: LoopDevice;
  let daemon: DaemonProcess | undefined;
  let guest: Guest;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-lost-'));
    mkdirSync(join(folder, 'small'));
    // What does not fit there is lost.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', join(folder, 'small')]);
    writeFileSync(join(folder, 'small/disk'), '');
    truncateSync(join(folder, 'small/disk'), SIZE);
    loop = new LoopDevice(join(folder, 'small/disk'));
    [guest, daemon] = [new Guest(), undefined];
  });
  afterEach(async () => {
    guest.cutPower();
    await daemon?.end('SIGTERM');
    loop.remove();
    execFileSync('umount', ['--lazy', join(folder, 'small')]);
    rmSync(folder, { recursive: true });
  });

  const start = async (...more: string[]): Promise<DaemonProcess> =>
    (daemon = await DaemonProcess.start(
      ['-keep', '-run-with', 'restart-burst=100', '-object', `memory-backend-file,id=mem0,share=on,mem-path=${loop.path},size=${SIZE}`, '-device', `virtio-pmem-pci,memdev=mem0,id=nv0,socket=${folder}/nv0.sock`, ...more],
      { env: { ...process.env, XDG_RUNTIME_DIR: folder } },
    ));
  const servant = (): number => Number(readFileSync(`/proc/${daemon?.pid}/task/${daemon?.pid}/children`, 'utf8').trim().split(' ')[0]);

  it('is one also for the process that follows the one which was told', async () => {
    if (testbed === undefined) throw new Error(reason);
    await start();
    const disk = guest.plug(RemoteFunction.connect(join(folder, 'nv0.sock'), PATIENCE));
    await disk.fsync();
    const pid = servant();
    const tracer = await Tracer.attach(testbed.straceCommand, pid, join(folder, 'calls'), { call: 'fdatasync', delay: 600 });
    disk.write(4 * 2 ** 20, Buffer.alloc(4 * 2 ** 20, 1));
    const flush = disk.fsync();
    flush.catch(() => undefined);
    await expect.poll(() => tracer.text).toMatch(/fdatasync.*EIO/);
    process.kill(pid, 'SIGKILL');
    await tracer.kill();
    await expect(flush).rejects.toThrow(FlushError);
    expect(servant()).not.toBe(pid);
    // It has failed from now on, whatever the kernel says.
    await expect(disk.fsync()).rejects.toThrow(FlushError);
  });
});
