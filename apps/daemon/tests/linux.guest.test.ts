// An unmodified Linux in an unmodified QEMU on a device served by vpmemd.
import { readFileSync, statSync } from 'node:fs';
import { nvdimmMachine, preparePackages, requireTestbed, resumeGuest, startGuest, type Guest, type GuestOptions, type ResumeOptions } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Served } from './served.ts';

const { testbed, reason } = await requireTestbed();
const MIB = 2 ** 20;

describe.skipIf(testbed === undefined)(`Linux${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let served: Served;
  let guests: Guest[];
  beforeEach(() => {
    served = new Served();
    guests = [];
    onTestFailed(() => {
      console.error(served.daemon.stderr);
      for (const guest of guests) console.error(guest.console.slice(-3000));
    });
  });
  afterEach(async () => {
    for (const guest of guests) await guest.stop();
    await served.close();
  });

  const boot = async (options: Partial<GuestOptions> = {}): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const guest = await startGuest({ testbed, qemuArgs: served.qemuArgs, ...options });
    guests.push(guest);
    return guest;
  };
  /** One that is up already, and has devices plugged in. */
  const goOn = async (options: Partial<ResumeOptions> = {}): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const guest = await resumeGuest({ testbed, plug: served.daemon.devices, ...options });
    guests.push(guest);
    return guest;
  };
  /** Makes a file whose bytes can be told from any others, and its checksum. */
  const writeAndSync = (path: string, text: string): string =>
    `yes '${text}' | head -c 1000000 > ${path} && sync ${path} && sha256sum < ${path}`;

  it.each([
    { name: 'ext4', mkfs: 'mkfs.ext4 -q -b 4096 /dev/pmem0', machine: {}, size: '256M', check: 'e2fsck -f -n /dev/pmem0' },
    { name: 'XFS', mkfs: 'mkfs.xfs -q -m reflink=0 /dev/pmem0', machine: nvdimmMachine(), size: '320M', check: 'xfs_repair -n /dev/pmem0' },
  ])('6.12 formats $name with DAX, writes and fsyncs; QEMU is killed; the file holds the data; a second guest reads it', async ({ name, mkfs, machine, size, check }) => {
    await served.start([size]);
    const first = await goOn(machine);
    await first.sh('wait-for /dev/pmem0');
    await first.sh(mkfs);
    await first.sh(`mkdir -p /mnt && mount -t ${name.toLowerCase()} -o dax=always /dev/pmem0 /mnt`);
    expect(await first.sh('mount')).toMatch(/\/dev\/pmem0 on \/mnt .*dax=always/);
    const token = `${name} was here ${process.hrtime.bigint()}`;
    const sum = await first.sh(writeAndSync('/mnt/file', token));
    await first.kill();

    expect(readFileSync(served.file(0)).includes(`${token}\n${token}\n`)).toBe(true);

    const second = await goOn(machine);
    await second.sh('wait-for /dev/pmem0');
    // The log is replayed by a mount, which both checkers ask for.
    await second.sh(`mkdir -p /mnt && mount -t ${name.toLowerCase()} -o dax=always /dev/pmem0 /mnt`);
    expect(await second.sh('sha256sum < /mnt/file')).toBe(sum);
    await second.sh('umount /mnt');
    await second.sh(check);
    expect(served.daemon.stderr).not.toMatch(/warning|error/);
  });

  it('two devices at once, one of a size that is no power of two, on q35', async () => {
    await served.start(['64M', '258M']);
    const guest = await boot({ machine: 'q35' });
    await guest.sh('wait-for /dev/pmem0 && wait-for /dev/pmem1');
    const sectors = (await guest.sh('cat /sys/block/pmem0/size /sys/block/pmem1/size')).trim().split('\n').map(Number);
    // Which is which is Linux's affair.
    const order = sectors[0] === (64 * MIB) / 512 ? [0, 1] : [1, 0];
    expect(sectors.toSorted((a, b) => a - b)).toEqual([(64 * MIB) / 512, (258 * MIB) / 512]);
    for (const n of [0, 1]) {
      await guest.sh(`mkfs.ext4 -q -b 4096 /dev/pmem${n} && mkdir -p /mnt${n} && mount -t ext4 -o dax=always /dev/pmem${n} /mnt${n}`);
    }
    await guest.sh(`(${writeAndSync('/mnt0/file', 'zero')}) & (${writeAndSync('/mnt1/file', 'one')}) & wait`);
    // The last block of a device lies at the end of its file.
    await guest.sh('umount /mnt0 /mnt1');
    for (const n of [0, 1]) {
      await guest.sh(`yes 'end of ${n}' | head -c 4096 | dd of=/dev/pmem${n} bs=4096 seek=$(( $(cat /sys/block/pmem${n}/size) / 8 - 1 )) conv=fsync`);
      const file = served.file(order[n] ?? 0);
      expect(readFileSync(file).subarray(-4096).toString()).toMatch(new RegExp(`^(end of ${n}\n)+`));
      expect(statSync(file).size).toBe((sectors[n] ?? 0) * 512);
    }
  });

  it('a guest reboot and a machine reset come back to the same device and data', async () => {
    await served.start(['64M']);
    const guest = await goOn();
    await guest.sh('wait-for /dev/pmem0 && mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    const sum = await guest.sh(writeAndSync('/mnt/file', 'before the reboot'));
    for (const how of ['guest', 'reset'] as const) {
      await guest.reboot(how);
      await guest.sh('wait-for /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
      expect(await guest.sh('sha256sum < /mnt/file')).toBe(sum);
      await guest.sh(writeAndSync(`/mnt/after-${how}`, how));
    }
    expect(guest.boots).toBe(3);
  });

  it('6.1, which knows no SHMEM_REGION, finds the range by the configuration', async () => {
    await served.start(['64M']);
    // What take-over.guest.test.ts goes on from too.
    const packages = await preparePackages('sqlite-1', ['sqlite3']);
    const guest = await goOn({ kernel: '6.1', tools: ['fio'], programs: [{ packages, path: 'usr/bin/sqlite3' }] });
    await guest.sh('wait-for /dev/pmem0');
    const features = await guest.sh('cat /sys/bus/virtio/drivers/virtio_pmem/virtio*/features');
    // As a string of bits from bit 0 on: no SHMEM_REGION, but VERSION_1 (bit 32).
    expect([features[0], features[32]]).toEqual(['0', '1']);
    await guest.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    await guest.sh(writeAndSync('/mnt/file', 'an old kernel'));
    expect(readFileSync(served.file(0)).includes('an old kernel\nan old kernel\n')).toBe(true);
  });

  it('6.12 takes SHMEM_REGION, indirect descriptors and event_idx, interrupts by INTx without vectors, and has one plugged in while it runs', async () => {
    await served.start(['64M', '32M'], { device: ',vectors=0' });
    const [first = '', second = ''] = served.daemon.devices;
    const guest = await goOn({ plug: [first] });
    await guest.sh('wait-for /dev/pmem0');
    const features = await guest.sh('cat /sys/bus/virtio/drivers/virtio_pmem/virtio*/features');
    expect([0, 28, 29, 32].map((bit) => features[bit])).toEqual(['1', '1', '1', '1']);
    expect(await guest.sh('cat /proc/interrupts')).toMatch(/IO-APIC.*virtio/);
    await guest.sh('dd if=/dev/zero of=/dev/pmem0 bs=4096 count=1 conv=fsync');
    expect(await guest.run('ls /dev/pmem1')).toMatchObject({ status: 1 });
    await guest.qmp('device_add', JSON.parse(second) as Record<string, unknown>);
    await guest.sh('wait-for /dev/pmem1 20 && dd if=/dev/zero of=/dev/pmem1 bs=4096 count=1 conv=fsync');
  });

  // With every optional feature it does the same in features.guest.test.ts.
  it.runIf(process.env.VPMEM_ALL === '1')('7.2 mounts it too, without any of them', async () => {
    await served.start(['64M']);
    const guest = await boot({ kernel: '7.2' });
    await guest.sh('wait-for /dev/pmem0 && mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    await guest.sh(writeAndSync('/mnt/file', 'a new kernel'));
  });
});
