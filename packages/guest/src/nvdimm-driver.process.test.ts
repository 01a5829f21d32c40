import { closeSync, openSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { HOTPLUG_EVENT, type PlacedBytes } from '@vpmem/nvdimm';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { MemoryBackend } from '@vpmem/memory-backend';
import { TestDisk } from '@vpmem/simulated-medium/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestError } from './guest-error.ts';
import { GuestMachine } from './guest-machine.ts';
import { Guest } from './guest.ts';
import { NvdimmPlatform } from './nvdimm-platform.ts';

const MIB = 2 ** 20;
const LABELS = 128 * 1024;
const SIZE = 8 * MIB + LABELS;
const labelled = { size: SIZE, labelSize: LABELS };
const plain = { size: 8 * MIB };

let platform: NvdimmPlatform;
const backends: TestDisk[] = [];
beforeEach(() => {
  platform = new NvdimmPlatform();
});
afterEach(async () => {
  await platform.close();
  for (const backend of backends.splice(0)) await backend.close();
});

async function pmemFunction(): Promise<VirtioPciFunction> {
  const backend = await TestDisk.open(MIB);
  backends.push(backend);
  return new VirtioPciFunction(new VirtioPmem(new MemoryBackend(backend.description, backend.syncer())));
}
function boot(): Guest {
  platform.putTables();
  return platform.start();
}
const texts = (guest: Guest): string[] => guest.disks.map((disk) => Buffer.from(disk.read(0, 5)).toString());
const names = (guest: Guest): string[] => guest.disks.map(({ name, place }) => `${name} on ${JSON.stringify(place)}`);

describe('a guest on a machine with NVDIMMs', () => {
  it('finds them through tables in RAM, by handle, and drives them', async () => {
    platform.plug(3, labelled);
    platform.plug(1, { ...plain, node: 1 });
    const guest = boot();
    expect(platform.said).toEqual([]);
    expect(guest.nvdimms).toMatchObject([
      { name: 'nmem0', handle: 2, address: 0x1_0400_0000n, size: 8 * MIB, labelSize: 0, node: 1, armed: true },
      { name: 'nmem1', handle: 4, address: 0x1_0c00_0000n, size: 8 * MIB, labelSize: LABELS, node: 0, armed: true },
    ]);
    expect(names(guest)).toEqual(['pmem0 on {"nvdimm":2}', 'pmem1 on {"nvdimm":4}']);
    const disk = guest.disks[1]!;
    disk.write(8 * MIB - 4, Buffer.from('last'));
    await disk.fsync();
    expect(Buffer.from(disk.read(8 * MIB - 4, 4)).toString()).toBe('last');
    expect(() => disk.write(8 * MIB - 3, Buffer.from('last'))).toThrow(RangeError);
    expect(guest.disks[0]!.read(8 * MIB - 4, 4)).toEqual(new Uint8Array(4));
  });

  it('names their disks after those of virtio-pmem, which it can do without', async () => {
    platform.plug(0, plain);
    platform.machine.plug(await pmemFunction());
    const guest = boot();
    expect(names(guest)).toEqual(['pmem0 on {"pci":{"slot":0}}', 'pmem1 on {"nvdimm":1}']);
    await guest.unplug(guest.disks[0]!);
    await expect(guest.unplug(guest.disks[0]!)).rejects.toThrow(new GuestError('pmem1 is on an NVDIMM, which cannot be taken out'));
    // The lowest free name is taken again.
    platform.hotPlug(2, plain);
    expect(names(guest)).toEqual(['pmem1 on {"nvdimm":1}', 'pmem0 on {"nvdimm":3}']);
  });

  it('does not store to what is not armed, nor fail to map what cannot be written', () => {
    const writable = createMemfd('nvdimm', plain.size);
    platform.plug(0, { ...plain, fd: openSync(`/proc/self/fd/${writable}`, 'r'), readonly: true, unarmed: true });
    closeSync(writable);
    const [disk] = boot().disks;
    expect(disk!.read(0, 2)).toEqual(new Uint8Array(2));
    expect(() => disk!.write(0, Uint8Array.of(1))).toThrow(new GuestError('pmem0 is read-only: its NVDIMM is not armed, so nothing stored there would last'));
  });

  it('says so where an NVDIMM is not what the tables say', () => {
    const { address } = platform.plug(0, plain);
    platform.plug(1, plain);
    platform.machine.unmap(BigInt(address));
    const guest = boot();
    expect(platform.said).toEqual([`the guest cannot use ${8 * MIB} bytes at 0 of nmem0: the range at 0x100000000 is not memory`]);
    expect([guest.nvdimms.length, names(guest)]).toEqual([2, ['pmem0 on {"nvdimm":2}']]);
  });
});

it('memory that firmware keeps is not written to', async () => {
  const machine = new GuestMachine({ ram: [{ start: 0, size: 0x1_0000 }], reserved: [{ start: 0x1000, size: 0x3000 }, { start: 0x8000, size: 0x1000 }] });
  const before = Uint8Array.from({ length: 0x1_0000 }, (_, i) => i % 251);
  machine.memory.write(0, before);
  const guest = new Guest({ machine });
  for (let i = 0; i < 3; i++) await guest.plug(await pmemFunction()).fsync();
  const after = new Uint8Array(0x1_0000);
  machine.memory.read(0, after);
  const written = Array.from({ length: 16 }, (_, page) => page).filter((page) => Buffer.compare(after.subarray(page << 12, (page + 1) << 12), before.subarray(page << 12, (page + 1) << 12)) !== 0);
  expect(written.length).toBeGreaterThan(0);
  expect(written.filter((page) => page < 4 || page === 8)).toEqual([]);
  await guest.close();
});

describe('hot plug', () => {
  it('is an event, after which there are more; disks in use stay what they are', () => {
    platform.plug(5, plain);
    const guest = boot();
    const [first] = guest.disks;
    first!.inUse = true;
    platform.hotPlug(2, labelled);
    platform.hotPlug(0, plain);
    expect(guest.nvdimms.map(({ name, handle }) => `${name}: ${handle}`)).toEqual(['nmem0: 6', 'nmem1: 3', 'nmem2: 1']);
    expect([guest.disks.length, guest.disks[0], first!.inUse]).toEqual([3, first, true]);
    platform.machine.events.raise(HOTPLUG_EVENT);
    platform.machine.events.raise(HOTPLUG_EVENT + 1);
    expect([guest.disks.length, platform.said]).toEqual([3, []]);
  });

  it('into a machine that had none is the same', () => {
    const guest = boot();
    expect(guest.nvdimms).toEqual([]);
    platform.hotPlug(7, plain);
    expect(names(guest)).toEqual(['pmem0 on {"nvdimm":8}']);
  });

  it('waits while the processor is stopped, and is forgotten by a reset, which finds all anew', () => {
    platform.plug(0, plain);
    const guest = boot();
    const [before] = guest.disks;
    before!.write(0, Buffer.from('store'));
    platform.machine.processor.stop();
    platform.hotPlug(1, plain);
    expect(guest.disks).toHaveLength(1);
    platform.machine.processor.cont();
    expect(guest.disks).toHaveLength(2);

    platform.machine.processor.stop();
    platform.hotPlug(2, plain);
    guest.reset();
    expect([guest.disks, guest.nvdimms]).toEqual([[], []]);
    expect(() => before!.read(0, 1)).toThrow('the guest was reset');
    platform.putTables();
    platform.machine.processor.cont();
    expect(names(guest)).toEqual(['pmem0 on {"nvdimm":1}', 'pmem1 on {"nvdimm":2}', 'pmem2 on {"nvdimm":3}']);
    expect(texts(guest)[0]).toBe('store');
  });
});

describe('the power goes', () => {
  it('and nothing more is stored, nor read, nor asked', async () => {
    platform.plug(0, labelled);
    const guest = boot();
    const [[disk], [nvdimm]] = [guest.disks, guest.nvdimms];
    guest.cutPower();
    const gone = new GuestError('the power is gone');
    expect(() => disk!.write(0, Uint8Array.of(1))).toThrow(gone);
    expect(() => disk!.read(0, 1)).toThrow(gone);
    await expect(disk!.fsync()).rejects.toThrow(gone);
    expect(() => nvdimm!.labels()).toThrow(gone);
    expect(() => nvdimm!.createNamespace()).toThrow(gone);
    expect([guest.disks, guest.nvdimms]).toEqual([[], []]);
  });
});

describe('tables that are not as they should be', () => {
  it.each<[string, number, string]>([
    ['the RSDP', 0, 'the guest cannot use the ACPI tables: the RSDP at 0xf0000 has a wrong checksum'],
    ['the XSDT', 1, "the guest cannot use the ACPI tables: the table at 0xff7000: the table's bytes add up to"],
    ['the NFIT', 2, "the guest cannot use the ACPI tables: the table at 0xff7040: the table's bytes add up to"],
  ])('are said to be so, and cost nothing else: %s', (_, index, text) => {
    platform.plug(0, plain);
    spoil(platform, platform.putTables()[index]!.address + 12, Uint8Array.of(0xa5));
    const guest = platform.start();
    expect([guest.nvdimms, platform.said]).toEqual([[], [expect.stringContaining(text)]]);
    platform.hotPlug(1, plain);
    expect([guest.nvdimms, platform.said.length]).toEqual([[], 1]);
  });

  it('byte code that cannot be run is such a table', () => {
    platform.plug(0, plain);
    const [, , , ssdt] = platform.putTables();
    spoil(platform, ssdt!.address + 36, Uint8Array.of(0xcc));
    seal(platform, ssdt!);
    platform.start();
    expect(platform.said).toEqual(['the guest cannot use the ACPI tables: opcode 0xcc at 36 defines nothing that is known here']);
  });

  it('none are no trouble', () => {
    platform.plug(0, plain);
    expect(platform.start().nvdimms).toEqual([]);
    platform.hotPlug(1, plain);
    expect(platform.said).toEqual([]);
  });

  it('and whatever lies there, a guest starts and comes to an end of it', async () => {
    const change = fc.record({ table: fc.integer({ min: 1, max: 3 }), at: fc.nat(0x600), bytes: fc.uint8Array({ maxLength: 12 }) });
    let started = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), fc.boolean(), async (changes, sealed) => {
        const victim = new NvdimmPlatform();
        try {
          victim.plug(0, labelled);
          const placed = victim.putTables();
          for (const { table, at, bytes } of changes) spoil(victim, placed[table]!.address + (at % placed[table]!.bytes.length), bytes);
          if (sealed) for (const each of placed.slice(1)) seal(victim, each);
          const guest = victim.start();
          victim.hotPlug(1, plain);
          guest.reset();
          if (guest.nvdimms.length > 0) started++;
          expect(victim.said.filter((line) => line.includes('\n'))).toEqual([]);
        } finally {
          await victim.close();
        }
      }),
      { numRuns: 150 },
    );
    // Otherwise nothing but checksums has been tried.
    expect(started).toBeGreaterThan(0);
  });
});

function spoil({ machine }: NvdimmPlatform, address: number, bytes: Uint8Array): void {
  machine.memory.write(address, bytes);
}

/** Makes the checksum of a table right, as long as it is and not as long as it says. */
function seal({ machine }: NvdimmPlatform, { address, bytes }: PlacedBytes): void {
  const table = new Uint8Array(bytes.length);
  machine.memory.read(address, table);
  new DataView(table.buffer).setUint32(4, table.length, true);
  table[9] = 0;
  table[9] = -table.reduce((sum, byte) => sum + byte, 0) & 0xff;
  machine.memory.write(address, table);
}
