import { interleaveSetCookie, NamespaceLabels, serialNumber, VENDOR_ID, type LabelVersion } from '@vpmem/nvdimm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestError } from './guest-error.ts';
import type { GuestNvdimm } from './guest-nvdimm.ts';
import type { Guest } from './guest.ts';
import { NvdimmPlatform } from './nvdimm-platform.ts';

const MIB = 2 ** 20;
const LABELS = 128 * 1024;
const SIZE = 16 * MIB + LABELS;
const UUID = '6a1ecb18-9d36-4c53-8a37-11c8d6a52e01';

let platform: NvdimmPlatform;
beforeEach(() => {
  platform = new NvdimmPlatform();
});
afterEach(() => platform.close());

/** Starts with what is plugged in, as after a reset if it has started already. */
let guest: Guest;
function boot(): GuestNvdimm {
  platform.putTables();
  guest = platform.start();
  return guest.nvdimms[0]!;
}
function reboot(): GuestNvdimm {
  guest.reset();
  return guest.nvdimms[0]!;
}
const disks = (): string[] => guest.disks.map(({ name, address, size }) => `${name}: ${size / MIB} MiB at ${Number(address - 0x1_0000_0000n) / MIB}`);
const labelsOf = (slot: number): NamespaceLabels | undefined => NamespaceLabels.open(platform.root.devices[slot]!.labels!);

describe('an NVDIMM', () => {
  it('without valid labels is one disk', () => {
    platform.plug(0, { size: SIZE, labelSize: LABELS });
    const nvdimm = boot();
    expect([nvdimm.labels(), nvdimm.labelVersion, nvdimm.labelSize, disks()]).toEqual([undefined, undefined, LABELS, ['pmem0: 16 MiB at 0']]);
    expect(nvdimm.namespaces).toEqual([{ uuid: undefined, name: '', dpa: 0, size: 16 * MIB, disk: guest.disks[0] }]);
  });

  it.each<LabelVersion>(['1.1', '1.2'])('with valid labels of version %s is a disk for each namespace, until they are gone', (version) => {
    platform.plug(0, { size: SIZE, labelSize: LABELS });
    const nvdimm = boot();
    const [whole] = guest.disks;
    nvdimm.initialiseLabels(version);
    expect(disks()).toEqual([]);
    expect(() => whole!.read(0, 1)).toThrow('the disk has been taken out of service');

    const log = nvdimm.createNamespace({ name: 'log', size: 4 * MIB, uuid: UUID.toUpperCase() });
    expect(log).toMatchObject({ uuid: UUID, name: 'log', dpa: 0, size: 4 * MIB });
    const rest = nvdimm.createNamespace();
    expect(rest).toMatchObject({ name: '', dpa: 4 * MIB, size: 12 * MIB, uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    expect(disks()).toEqual(['pmem0: 4 MiB at 0', 'pmem1: 12 MiB at 4']);
    expect([guest.disks[0], guest.disks[1]]).toEqual([log.disk, rest.disk]);
    rest.disk!.write(0, Buffer.from('rest'));

    // What the device has is what Linux would read.
    expect(labelsOf(0)).toMatchObject({ version });
    expect(labelsOf(0)!.labels).toMatchObject([{ uuid: UUID, setCookie: interleaveSetCookie({ serialNumber: serialNumber(0), vendorId: VENDOR_ID }, version) }, { uuid: rest.uuid }]);

    const again = reboot();
    expect(disks()).toEqual(['pmem0: 4 MiB at 0', 'pmem1: 12 MiB at 4']);
    const [, kept] = guest.disks;
    again.destroyNamespace(UUID);
    expect([disks(), guest.disks[0]]).toEqual([['pmem1: 12 MiB at 4'], kept]);
    expect(Buffer.from(kept!.read(0, 4)).toString()).toBe('rest');
    again.createNamespace({ size: 2 * MIB });
    expect(disks()).toEqual(['pmem1: 12 MiB at 4', 'pmem0: 2 MiB at 0']);
    expect(again.labelVersion).toBe(version);
    expect(again.namespaces.map(({ dpa }) => dpa)).toEqual([0, 4 * MIB]);
    expect(platform.said).toEqual([]);
  });

  it('whose labels are about another leaves their namespaces alone, and says so', () => {
    const device = platform.plug(0, { size: SIZE, labelSize: LABELS });
    NamespaceLabels.initialise(device.labels!).create({ uuid: UUID, name: 'o\nld', size: 4 * MIB, capacity: 16 * MIB, setCookie: 5n });
    boot();
    expect([disks(), platform.said]).toEqual([[], ["nmem0: namespace 'o?ld' is left alone: its label was written for another NVDIMM"]]);
  });

  it('whose labels cannot be read is one disk, as in Linux, and says so', () => {
    platform.plug(0, { size: SIZE, labelSize: LABELS });
    const { labels } = platform.root.devices[0]!;
    labels!.read = () => {
      throw new Error('EIO');
    };
    const nvdimm = boot();
    expect([disks(), platform.said]).toEqual([['pmem0: 16 MiB at 0'], ['the labels of nmem0: \\_SB_.NVDR.NV00._LSR answered status 4']]);
    expect(() => nvdimm.createNamespace()).toThrow(new GuestError('the labels of nmem0: \\_SB_.NVDR.NV00._LSR answered status 4'));
  });

  it('whose labels can no longer be read keeps the disks it has, so that none lies over another', () => {
    const labels = platform.plug(0, { size: SIZE, labelSize: LABELS }).labels!;
    const nvdimm = withOne(boot());
    const [disk] = guest.disks;
    const write = labels.write.bind(labels);
    labels.write = (offset, bytes) => {
      write(offset, bytes);
      labels.read = () => {
        throw new Error('EIO');
      };
    };
    expect(() => nvdimm.createNamespace()).toThrow(new GuestError('nmem0 has a new label, but no namespace of it'));
    expect(platform.said).toEqual(['the labels of nmem0: \\_SB_.NVDR.NV00._LSR answered status 4']);
    expect(guest.disks).toEqual([disk]);
    expect(Buffer.from(disk!.read(0, 2))).toEqual(Buffer.alloc(2));
  });

  it.each<[string, (nvdimm: GuestNvdimm) => unknown, string]>([
    ['a namespace without labels', (nvdimm) => nvdimm.createNamespace(), 'nmem0 has no valid labels; they have to be initialised first'],
    ['the end of one without labels', (nvdimm) => nvdimm.destroyNamespace(UUID), 'nmem0 has no valid labels; they have to be initialised first'],
    ['labels under a disk in use', (nvdimm) => inUse(nvdimm).initialiseLabels(), 'pmem0 of nmem0 is in use'],
    ['new labels over old ones', (nvdimm) => withOne(nvdimm).initialiseLabels(), 'nmem0 has labels of 1 namespaces, which have to be destroyed first'],
    ['the end of a namespace in use', (nvdimm) => inUse(withOne(nvdimm)).destroyNamespace(UUID), 'pmem0 of nmem0 is in use'],
    ['the end of one that is not there', (nvdimm) => withNone(nvdimm).destroyNamespace(UUID), `nmem0 has no namespace ${UUID}`],
    ['a size Linux would not map', (nvdimm) => withNone(nvdimm).createNamespace({ size: 3 * MIB }), `a namespace cannot have ${3 * MIB} bytes; the size has to be a multiple of ${2 * MIB}`],
    ['no size', (nvdimm) => withNone(nvdimm).createNamespace({ size: 0 }), `a namespace cannot have 0 bytes; the size has to be a multiple of ${2 * MIB}`],
    ['more than there is', (nvdimm) => withOne(nvdimm).createNamespace({ size: 14 * MIB }), `the labels of nmem0: there is no room for ${14 * MIB} bytes among 1 labels on ${16 * MIB} bytes`],
    ['all that is left of nothing', (nvdimm) => [withNone(nvdimm).createNamespace(), nvdimm.createNamespace()], `nmem0 has no ${2 * MIB} bytes in a row without a namespace`],
    ['a UUID twice', (nvdimm) => withOne(nvdimm).createNamespace({ uuid: UUID, size: 2 * MIB }), `the labels of nmem0: there is a namespace ${UUID} already`],
    ['a name too long', (nvdimm) => withNone(nvdimm).createNamespace({ name: 'x'.repeat(64) }), 'longer than 63 bytes'],
  ])('refuses %s, and leaves all as it is', (_, act, message) => {
    platform.plug(0, { size: SIZE, labelSize: LABELS });
    const nvdimm = boot();
    expect(() => act(nvdimm)).toThrow(expect.objectContaining({ name: 'GuestError', message: expect.stringContaining(message) as string }));
    const after = disks();
    reboot();
    expect(disks()).toEqual(after);
  });

  it('without a label area, or one that cannot be written, refuses labels', () => {
    platform.plug(0, { size: 8 * MIB });
    platform.plug(1, { size: SIZE, labelSize: LABELS, readonly: true, unarmed: true });
    boot();
    const [none, readOnly] = guest.nvdimms;
    expect(none!.labelSize).toBe(0);
    for (const act of [() => none!.initialiseLabels(), () => none!.createNamespace()]) expect(act).toThrow(new GuestError('nmem0 has no label area; label-size= of its device makes one'));
    expect(() => readOnly!.initialiseLabels()).toThrow(new GuestError('the labels of nmem1: \\_SB_.NVDR.NV01._LSW answered status 1'));
    expect(disks()).toEqual(['pmem0: 8 MiB at 0', 'pmem1: 16 MiB at 64']);
  });
});

function withNone(nvdimm: GuestNvdimm): GuestNvdimm {
  nvdimm.initialiseLabels();
  return nvdimm;
}
function withOne(nvdimm: GuestNvdimm): GuestNvdimm {
  withNone(nvdimm).createNamespace({ uuid: UUID, size: 4 * MIB });
  return nvdimm;
}
function inUse(nvdimm: GuestNvdimm): GuestNvdimm {
  guest.disks[0]!.inUse = true;
  return nvdimm;
}
