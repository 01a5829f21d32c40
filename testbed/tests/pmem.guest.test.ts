import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Guest } from '../src/guest.ts';
import { nvdimmMachine } from '../src/nvdimm-machine.ts';
import { resumeGuest, type ResumeOptions } from '../src/resume-guest.ts';
import { startGuest, type GuestOptions } from '../src/start-guest.ts';
import { requireTestbed } from '../src/testbed.ts';

const { testbed, reason } = await requireTestbed();
const title = reason === undefined ? "QEMU's own virtio-pmem" : `QEMU's own virtio-pmem (skipped: ${reason})`;

describe.skipIf(testbed === undefined)(title, () => {
  let folder: string;
  let guest: Guest;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-pmem-'));
  });
  afterEach(async () => {
    await guest.stop();
    rmSync(folder, { recursive: true });
  });

  const backend = (size: string): string[] => ['-object', `memory-backend-file,id=store,mem-path=${join(folder, 'store')},size=${size},share=on`];
  const device = ['-device', 'virtio-pmem-pci,id=pmem,memdev=store'];
  /** In one that is up already, which has room for memory devices. */
  const resume = async (options: Partial<ResumeOptions>): Promise<Guest> => (guest = await resumeGuest({ testbed: testbed!, ...nvdimmMachine(), ...options }));
  const start = async (options: Partial<GuestOptions>): Promise<Guest> => (guest = await startGuest({ testbed: testbed!, memory: '512M,slots=2,maxmem=4G', ...options }));

  it('holds a file system with DAX over reboots and a kill', async () => {
    await start({ qemuArgs: [...backend('64M'), ...device] });
    await guest.sh('wait-for /dev/pmem0 && mkfs.ext4 -q -b 4096 /dev/pmem0 && mount -o dax=always /dev/pmem0 /mnt');
    expect(await guest.sh("grep ' /mnt ' /proc/mounts")).toContain('dax=always');
    await guest.sh('echo it lasts > /mnt/file && sync');
    await guest.reboot('reset');
    await guest.sh('wait-for /dev/pmem0 && mount -o dax=always /dev/pmem0 /mnt');
    expect(await guest.sh('cat /mnt/file')).toBe('it lasts');
    await guest.kill();
    expect(readFileSync(join(folder, 'store')).includes('it lasts')).toBe(true);
    await resume({ qemuArgs: backend('64M'), plug: [JSON.stringify({ driver: 'virtio-pmem-pci', memdev: 'store' })] });
    await guest.sh('wait-for /dev/pmem0 && e2fsck -fp /dev/pmem0; mount /dev/pmem0 /mnt');
    expect(await guest.sh('cat /mnt/file')).toBe('it lasts');
  });

  it('is seen, formatted and measured by the tools that were asked for', async () => {
    await start({ qemuArgs: [...backend('512M'), ...device], tools: ['xfs', 'ndctl', 'fio'], memory: '768M,slots=2,maxmem=4G' });
    await guest.sh('wait-for /dev/pmem0');
    expect(JSON.parse(await guest.sh('ndctl list -RN'))).toMatchObject({ regions: [{ dev: 'region0', namespaces: [{ mode: 'fsdax', blockdev: 'pmem0' }] }] });
    await guest.sh('mkfs.xfs -q /dev/pmem0 && mount -o dax=always /dev/pmem0 /mnt');
    const fio = JSON.parse(await guest.sh('fio --name=x --directory=/mnt --size=1M --bs=64k --rw=write --ioengine=mmap --fsync=4 --output-format=json')) as { jobs: { error: number; write: { io_bytes: number } }[] };
    expect(fio.jobs[0]).toMatchObject({ error: 0, write: { io_bytes: 2 ** 20 } });
    await guest.sh('umount /mnt && xfs_repair -n /dev/pmem0');
  });

  it.each([
    { machine: 'pc', ports: [], buses: [undefined, undefined] },
    { machine: 'q35', ports: ['slot1', 'slot2'].flatMap((id, i) => ['-device', `pcie-root-port,id=${id},chassis=${i},slot=${i},pref64-reserve=1G`]), buses: ['slot1', 'slot2'] },
  ])('is plugged into a running $machine, and an entropy source plugged and unplugged', async ({ machine, ports, buses }) => {
    const qemuArgs = [...backend('64M'), ...ports];
    await (machine === 'pc' ? resume({ qemuArgs }) : start({ machine, qemuArgs }));
    const on = (bus: string | undefined) => (bus === undefined ? {} : { bus });
    expect(await guest.run('ls /dev/pmem0')).toMatchObject({ status: 1 });
    await guest.qmp('device_add', { driver: 'virtio-pmem-pci', id: 'pmem', memdev: 'store', ...on(buses[0]) });
    expect(await guest.sh('wait-for /dev/pmem0 && blockdev --getsize64 /dev/pmem0')).toBe(String(64 * 2 ** 20));
    await guest.qmp('device_add', { driver: 'virtio-rng-pci', id: 'rng', ...on(buses[1]) });
    // Devices come up one after the other in the guest; one that is not up yet would not answer to its removal.
    await guest.sh('until cat /sys/bus/virtio/devices/*/device | grep -q 0x0004; do sleep 0.05; done');
    await guest.qmp('device_del', { id: 'rng' });
    expect(await guest.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === 'rng')).toMatchObject({ event: 'DEVICE_DELETED' });
    expect(await guest.sh('cat /sys/bus/virtio/devices/*/device')).toBe('0x001b');
    await expect(guest.qmp('device_del', { id: 'rng' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining("Device 'rng' not found") as string });
  });
});
