// readonly=on with a real Linux in a real QEMU: it reads, it is told that nothing it writes becomes durable, and nothing dies.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';

const { testbed, reason } = await requireTestbed();

describe.skipIf(testbed === undefined)(`readonly=on${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let daemon: DaemonProcess | undefined;
  let guest: Guest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-readonly-'));
  });
  afterEach(async () => {
    await guest?.stop();
    await daemon?.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('two devices share one ext4 image; what the guest writes to one is not in the other, nor in the file', async () => {
    if (testbed === undefined) throw new Error(reason);
    mkdirSync(join(folder, 'root'));
    writeFileSync(join(folder, 'root/file'), 'in the image\n');
    const [mke2fs = '', ...words] = testbed.tools.command('usr/sbin/mke2fs');
    execFileSync(mke2fs, [...words, '-q', '-t', 'ext4', '-b', '4096', '-d', join(folder, 'root'), join(folder, 'image'), '64M']);
    const image = readFileSync(join(folder, 'image'));
    const pair = (i: number): string[] => [
      ...['-object', `memory-backend-file,id=mem${i},readonly=on,mem-path=${folder}/image,size=64M`],
      ...['-device', `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`],
    ];
    daemon = await DaemonProcess.start([...pair(0), ...pair(1)], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
    guest = await resumeGuest({ testbed, kernel: '6.12', plug: daemon.devices });
    await guest.sh('wait-for /dev/pmem0 && wait-for /dev/pmem1 && mkdir -p /mnt && mount -t ext4 -o ro,dax=always /dev/pmem0 /mnt');
    expect(await guest.sh('cat /mnt/file')).toBe('in the image');
    await guest.sh('umount /mnt');

    const write = await guest.run('yes overwritten | head -c 1048576 | dd of=/dev/pmem0 bs=4096 conv=fsync');
    expect([write.status, write.output]).toEqual([1, expect.stringMatching(/Input\/output error/)]);
    expect((await guest.run('mount -t ext4 -o ro /dev/pmem0 /mnt')).status).not.toBe(0);
    await guest.sh('mount -t ext4 -o ro,dax=always /dev/pmem1 /mnt && grep -q "in the image" /mnt/file && umount /mnt && e2fsck -f -n /dev/pmem1');

    expect(readFileSync(join(folder, 'image')).equals(image)).toBe(true);
    await expect.poll(() => daemon?.stderr).toMatch(/error: nv\d: .*readonly=on, so nothing becomes durable/);
  });
});
