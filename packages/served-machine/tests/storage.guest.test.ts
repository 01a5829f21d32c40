// An unmodified Linux in an unmodified QEMU whose persistent memory is a block device, or in huge pages.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineEvent } from '@vpmem/machine';
import { HugePageMount, LoopDevice, noHugePages, noLoopDevices } from '@vpmem/memory-backend/testing';
import { parseOption } from '@vpmem/options';
import { requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Machine } from '../src/machine.ts';
import type { Device } from '../src/served-devices.ts';

const { testbed, reason } = await requireTestbed();
const SIZE = 64 * 2 ** 20;
const PAGES = 32;

const named = (why: string | undefined): string => (why === undefined ? '' : ` (skipped: ${why})`);
const noLoop = reason ?? noLoopDevices();
const noHuge = reason ?? noHugePages();

let folder: string;
let machine: Machine;
let events: MachineEvent[];
let guest: Guest | undefined;
let loop: LoopDevice | undefined;
let mount: HugePageMount | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-storage-'));
  const failed = (error: Error): never => {
    throw error;
  };
  machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
  events = [];
  guest = undefined;
  loop = undefined;
  mount = undefined;
  machine.onEvent((event) => events.push(event));
  onTestFailed(() => console.error(JSON.stringify(events), guest?.console.slice(-3000)));
});
afterEach(async () => {
  await guest?.stop();
  await machine.close();
  loop?.remove();
  await mount?.close();
  rmSync(folder, { recursive: true });
});

const object = (memPath: string, size = SIZE): Promise<void> =>
  machine.addObject(parseOption(`memory-backend-file,id=mem1,mem-path=${memPath},size=${size},share=on`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
const device = (rest = ''): Promise<Device> => machine.addDevice(parseOption(`virtio-pmem-pci,memdev=mem1,id=nv1${rest}`, { grammar: 'qemuopts', impliedKey: 'driver' }));
const start = async ({ plug }: Device): Promise<Guest> => {
  guest = await resumeGuest({ testbed: testbed!, plug: [JSON.stringify(plug)] });
  await guest.sh('wait-for /dev/pmem0');
  return guest;
};
const format = (linux: Guest): Promise<string> => linux.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
/** Has the guest make a file durable; returns what is in it, which nothing else has. */
const writeDurably = async (linux: Guest): Promise<string> => {
  const token = `durable ${process.hrtime.bigint()}`;
  await linux.sh(`yes '${token}' | head -c 1000000 > /mnt/file && sync /mnt/file`);
  return `${token}\n${token}\n`;
};
const troubles = (): MachineEvent[] => events.filter(({ name }) => !['PMEM_CLIENT_CONNECTED', 'PMEM_CLIENT_DISCONNECTED'].includes(name));

describe.skipIf(noLoop !== undefined)(`a block device${named(noLoop)}`, () => {
  it('is formatted and mounted with DAX; what was fsynced is in it when QEMU is killed, and nothing is said of it', async () => {
    writeFileSync(join(folder, 'disk.img'), '');
    truncateSync(join(folder, 'disk.img'), SIZE);
    loop = new LoopDevice(join(folder, 'disk.img'));
    await object(loop.path);
    const linux = await start(await device());
    await format(linux);
    const contents = await writeDurably(linux);
    await linux.kill();
    expect(readFileSync(loop.file).includes(contents)).toBe(true);
    expect(troubles()).toEqual([]);
  });
});

describe.skipIf(noHuge !== undefined)(`huge pages${named(noHuge)}`, () => {

  it('are refused where they are too few, and else formatted, mounted with DAX and flushed', async () => {
    mount = await HugePageMount.of(PAGES);
    const path = join(mount.folder, 'pmem.img');
    await expect(object(path, 2 * SIZE)).rejects.toMatchObject({ code: 'no-space', message: expect.stringMatching(/need 64 huge pages of 2048 KiB, and \d+ are free/) as string });
    await object(path);
    await start(await device());
    await format(guest!);
    const contents = await writeDurably(guest!);
    await guest?.kill();
    expect(readFileSync(path).includes(contents)).toBe(true);
    expect(troubles()).toEqual([]);
  });

  it('are stored to by messages too, which INTx makes of loads and stores', async () => {
    mount = await HugePageMount.of(PAGES);
    const path = join(mount.folder, 'pmem.img');
    await object(path);
    // Without KVM the first INTx makes QEMU trap every access from then on.
    await start(await device(',vectors=0'));
    await guest!.sh('yes mapped | dd of=/dev/pmem0 bs=4096 count=1 conv=fsync && yes trapped | dd of=/dev/pmem0 bs=4096 count=1 seek=1 conv=fsync && dd if=/dev/pmem0 bs=4096 count=2 iflag=direct | grep -q trapped');
    expect(readFileSync(path).subarray(0, 8192).toString()).toMatch(/^(mapped\n)+.*(trapped\n)+/s);
    expect(troubles()).toEqual([]);
  });
});
