// Logs that the kernel's own dm-log-writes has written, in an unmodified guest.
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparePackages, requireTestbed, resumeGuest, TestbedError, type Guest, type PackageTree } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toLogWrites } from '../src/log-export.ts';
import { fromLogWrites } from '../src/log-import.ts';
import { LogFlag } from '../src/log-layout.ts';
import { LogWritesReader } from '../src/log-reader.ts';
import { logSteps } from '../src/log-steps.ts';
import { Recording, RecordingWriter } from '@vpmem/recording';
import { REPLAYERS } from './log-replayer.ts';
import { replayLog } from './replayed-log.ts';

const { testbed, reason } = await requireTestbed();
let packages: PackageTree | undefined;
let missing = reason;
if (missing === undefined) {
  try {
    packages = await preparePackages('device-mapper-1', ['dmsetup']);
  } catch (error) {
    if (!(error instanceof TestbedError) || process.env.CI === 'true') throw error;
    missing = error.message;
  }
}

const MIB = 2 ** 20;

describe.skipIf(missing !== undefined)(`dm-log-writes of Linux 6.12${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-log-writes-'));
  });
  afterEach(async () => {
    await guest?.stop();
    guest = undefined;
    rmSync(folder, { recursive: true });
  });

  const path = (name: string): string => join(folder, name);
  const drive = (name: string, size: number): string[] => {
    writeFileSync(path(name), '');
    truncateSync(path(name), size);
    return ['-drive', `if=none,id=${name},format=raw,file=${path(name)},discard=unmap`];
  };
  /** A guest whose /dev/mapper/log is /dev/vda, logged on /dev/vdb; /dev/vdc is as large. */
  const start = async (properties = {}): Promise<Guest> => {
    if (testbed === undefined || packages === undefined) throw new Error(missing);
    const qemuArgs = [...drive('data', 32 * MIB), ...drive('log', 64 * MIB), ...drive('kept', 32 * MIB)];
    // In the order in which Linux names them.
    const plug = ['data', 'log', 'kept'].map((name) => JSON.stringify({ driver: 'virtio-blk-pci', drive: name, ...properties }));
    guest = await resumeGuest({ testbed, programs: [{ packages, path: 'usr/sbin/dmsetup' }, { packages: testbed.tools, path: 'usr/sbin/xfs_io' }], modules: ['virtio_blk', 'dm-log-writes'], qemuArgs, plug });
    await guest.sh('wait-for /dev/vda && wait-for /dev/vdb && wait-for /dev/vdc && DM_DISABLE_UDEV=1 dmsetup create log --table "0 $(blockdev --getsz /dev/vda) log-writes /dev/vda /dev/vdb"');
    return guest;
  };

  /** Makes a recording of the log, a log of that, and replays it up to where /dev/vdc was written. */
  const thereAndBack = (log: LogWritesReader): void => {
    const [base, exported] = [openSync(path('zero'), 'w+'), openSync(path('exported'), 'w+')];
    try {
      ftruncateSync(base, 32 * MIB);
      fromLogWrites(log, { fd: base, size: 32 * MIB }, RecordingWriter.create(path('recording'), { size: 32 * MIB, now: () => 0 }));
      const recording = Recording.open(path('recording'));
      const { sectorSize } = log;
      expect(toLogWrites(recording, exported, { sectorSize })).toMatchObject({ marks: 5, cutMarks: 0, unanswered: 0 });
      recording.close();
      for (const replayer of REPLAYERS) {
        ftruncateSync(base, 0);
        ftruncateSync(base, 32 * MIB);
        replayer.replay(path('exported'), path('zero'), 'unmounted');
        expect(readFileSync(path('zero')).equals(readFileSync(path('kept'))), replayer.name).toBe(true);
      }
    } finally {
      closeSync(base);
      closeSync(exported);
    }
  };

  it.each([512, 4096])('logs ext4 on sectors of %i bytes; every mark of it is read as it is, and goes into a recording and back', async (sectorSize) => {
    const vm = await start({ logical_block_size: sectorSize, physical_block_size: 4096 });
    await vm.sh(`mkfs.ext4 -q -b 4096 /dev/mapper/log && dmsetup message log 0 mark mkfs && mount -t ext4 -o discard /dev/mapper/log /mnt
      for i in 1 2 3; do echo record $i > /mnt/file$i && sync /mnt/file$i && dmsetup message log 0 mark record$i || exit 1; done
      head -c 2000000 /dev/urandom > /mnt/big && sync && rm /mnt/big && umount /mnt
      dd if=/dev/vda of=/dev/vdc bs=1M conv=fsync && dmsetup message log 0 mark unmounted
      mount -t ext4 /dev/mapper/log /mnt && rm /mnt/file2 && umount /mnt && DM_DISABLE_UDEV=1 dmsetup remove log`);
    await vm.powerOff();

    const fd = openSync(path('log'), 'r');
    try {
      const reader = new LogWritesReader(fd);
      expect(reader.sectorSize).toBe(sectorSize);
      const entries = [...reader.entries()];
      expect(entries.flatMap(({ mark }) => mark ?? [])).toEqual(['mkfs', 'record1', 'record2', 'record3', 'unmounted', 'dm-log-writes-end']);
      for (const flag of [LogFlag.flush, LogFlag.fua, LogFlag.discard, LogFlag.metadata]) expect(entries.some(({ flags }) => (flags & flag) !== 0)).toBe(true);

      // Window by window, beside a replay of the log's own bytes.
      const replay = replayLog(readFileSync(path('log')), new Uint8Array(32 * MIB));
      const ours = Buffer.alloc(32 * MIB);
      let [entry, marks] = [0, 0];
      for (const step of logSteps(reader)) {
        if (step.kind === 'window') {
          for (const write of step.writes) reader.read(write, 0, ours.subarray(write.offset, write.offset + write.length));
          continue;
        }
        for (let stop = replay.next(); ; stop = replay.next(), entry++) {
          if (stop.done === true) throw new Error(`no mark ${step.text} in the log`);
          if (stop.value.mark !== step.text) continue;
          expect(ours.equals(stop.value.image), `the image at ${step.text}`).toBe(true);
          break;
        }
        marks++;
        if (step.text === 'unmounted') expect(ours.equals(readFileSync(path('kept')))).toBe(true);
      }
      expect(marks).toBe(6);
      expect(ours.equals(readFileSync(path('data')))).toBe(true);
      thereAndBack(reader);
    } finally {
      closeSync(fd);
    }
  });

  it('puts a write with FUA before those that wait for a flush, and those at the end without one', async () => {
    const vm = await start();
    // What tests/golden/dm-log-writes-6.12.log was written by.
    await vm.sh(`put() { xfs_io -d $4 -c "pwrite -q -S $1 $2 $3" /dev/mapper/log || exit 1; }
      put 0x61 4096 512; put 0x62 4608 1024; put 0x63 4096 512 -s; sync /dev/mapper/log; dmsetup message log 0 mark written
      put 0x64 10240 512 -s; put 0x65 4608 512; blkdiscard -o 5120 -l 512 /dev/mapper/log; dmsetup message log 0 mark not-flushed
      sync /dev/mapper/log; put 0x66 512 512; DM_DISABLE_UDEV=1 dmsetup remove log`);
    await vm.powerOff();
    // How many empty flushes there are is the kernel's own affair.
    const entries = (file: string | URL): unknown[] => {
      const fd = openSync(file, 'r');
      const found = [...new LogWritesReader(fd).entries()].filter(({ flags }) => flags !== LogFlag.flush);
      closeSync(fd);
      return found.map(({ flags, offset, length, mark }) => [flags, offset, length, mark]);
    };
    expect(entries(path('log'))).toEqual(entries(new URL('golden/dm-log-writes-6.12.log', import.meta.url)));
  });
});
