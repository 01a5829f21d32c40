import assert from 'node:assert/strict';
import { CAPABILITY_VENDOR, PciHeader } from '@vpmem/pci';
import { VIRTIO_F_NOTIFICATION_DATA } from '@vpmem/virtio';
import {
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
} from '../virtio-pci-capabilities.ts';
import type { FunctionCase } from './function-case.ts';
import type { VirtioGuest } from './virtio-guest.ts';

const { vendor_id, device_id, revision_id, subsystem_id, header_type, status, bar: bars } = PciHeader.fields;
const LENGTHS: Readonly<Record<number, number>> = {
  [VIRTIO_PCI_CAP_COMMON_CFG]: 16,
  [VIRTIO_PCI_CAP_NOTIFY_CFG]: 20,
  [VIRTIO_PCI_CAP_ISR_CFG]: 16,
  [VIRTIO_PCI_CAP_DEVICE_CFG]: 16,
  [VIRTIO_PCI_CAP_PCI_CFG]: 20,
  [VIRTIO_PCI_CAP_SHARED_MEMORY_CFG]: 24,
};

const offsetOf = (guest: VirtioGuest, type: number): number => guest.structure(type).bytes.readUInt32LE(8);
const lengthOf = (guest: VirtioGuest, type: number): number => guest.structure(type).bytes.readUInt32LE(12);

/** PCI 3.0 §6.2.5.1: what a BAR register answers to all ones. */
async function barSize({ pci }: VirtioGuest, index: number): Promise<number> {
  const at = bars.offset + 4 * index;
  const before = [await pci.readConfig(at, 4), await pci.readConfig(at + 4, 4)];
  const is64 = ((before[0] ?? 0) & 6) === 4;
  await pci.writeConfig(at, 4, 0xffff_ffff);
  if (is64) await pci.writeConfig(at + 4, 4, 0xffff_ffff);
  const low = BigInt((await pci.readConfig(at, 4)) & ~15) & 0xffff_ffffn;
  const high = is64 ? BigInt(await pci.readConfig(at + 4, 4)) : 0xffff_ffffn;
  await pci.writeConfig(at, 4, before[0] ?? 0);
  if (is64) await pci.writeConfig(at + 4, 4, before[1] ?? 0);
  return Number(BigInt.asUintN(64, -((high << 32n) | low)));
}

/** How large the notification structure has to be, with `bytes` for each notification. */
async function checkNotifyLength(guest: VirtioGuest, bytes: number): Promise<void> {
  const multiplier = guest.structure(VIRTIO_PCI_CAP_NOTIFY_CFG).bytes.readUInt32LE(16);
  const length = lengthOf(guest, VIRTIO_PCI_CAP_NOTIFY_CFG);
  assert(length >= bytes);
  for (const queue of guest.traits.queueSizes.keys()) {
    const offset = await guest.queueRegister(queue, 'queue_notify_off');
    assert(length >= offset * multiplier + bytes, `queue ${queue}`);
  }
}

const CASES: readonly FunctionCase[] = [
  {
    name: 'PGEN-03 PGEN-04 PGEN-06 PGEN-07 PGEN-08 has the ids of a function that is not transitional',
    run: async ({ pci, traits }) => {
      assert.equal(await pci.readConfig(vendor_id.offset, 2), 0x1af4);
      assert.equal(await pci.readConfig(device_id.offset, 2), 0x1040 + traits.deviceId);
      assert((await pci.readConfig(device_id.offset, 2)) <= 0x107f);
      assert((await pci.readConfig(revision_id.offset, 1)) >= 1);
      assert((await pci.readConfig(subsystem_id.offset, 2)) >= 0x40);
    },
  },
  {
    name: 'PGEN-01 has the header of a PCI function, whose read-only registers stay as they are',
    run: async ({ pci, capabilities }) => {
      assert.equal((await pci.readConfig(header_type.offset, 1)) & 0x7f, 0);
      assert.equal((await pci.readConfig(status.offset, 2)) & 0x10, 0x10);
      assert(capabilities.length > 0);
      for (const at of [vendor_id.offset, 8, subsystem_id.offset & ~3, 0x34]) {
        const before = await pci.readConfig(at, 4);
        await pci.writeConfig(at, 4, ~before >>> 0);
        assert.equal(await pci.readConfig(at, 4), before, `register ${at}`);
      }
    },
  },
  {
    name: 'PGEN-01 every BAR that a capability names has a size, a power of two, that holds the structure',
    run: async (guest) => {
      for (const { id, bytes } of guest.capabilities) {
        if (id !== CAPABILITY_VENDOR || bytes[3] === VIRTIO_PCI_CAP_PCI_CFG) continue;
        const size = await barSize(guest, bytes[4] ?? 0);
        assert(size >= 16 && Number.isInteger(Math.log2(size)), `BAR ${bytes[4]} has ${size} bytes`);
        assert(bytes.readUInt32LE(8) + bytes.readUInt32LE(12) <= size);
      }
    },
  },
  {
    name: 'PCOM-02 PNTF-01 PISR-01 PDEV-01 PACC-01 has every structure',
    run: (guest) => {
      const types = guest.capabilities.filter(({ id }) => id === CAPABILITY_VENDOR).map(({ bytes }) => bytes[3]);
      for (const type of guest.traits.unconfigured === true ? [1, 2, 3, 5] : [1, 2, 3, 4, 5]) assert(types.includes(type), `cfg_type ${type}`);
      return Promise.resolve();
    },
  },
  {
    name: 'PCAP-13 PCAP-15 PCAP-D1 PCAP-D2 every capability has its length, a BAR that can be, and fields of the order that is written down',
    run: async (guest) => {
      const types = new Set<number>();
      for (const { at, id, bytes } of guest.capabilities) {
        if (id !== CAPABILITY_VENDOR) continue;
        const type = bytes[3] ?? 0;
        assert.equal(bytes[2], LENGTHS[type], `cap_len of cfg_type ${type}`);
        assert((bytes[4] ?? 6) <= 5);
        // One of each: the first is the best.
        assert(type === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG || !types.has(type));
        types.add(type);
        if (type === VIRTIO_PCI_CAP_PCI_CFG) continue;
        for (let offset = 0; offset < bytes.length; offset += 4) await guest.pci.writeConfig(at + offset, 4, 0xffff_ffff);
        for (let i = 0; i < bytes.length; i++) assert.equal(await guest.pci.readConfig(at + i, 1), bytes[i], `byte ${i} of cfg_type ${type}`);
      }
    },
  },
  {
    name: 'PCOM-01 PDEV-02 PISR-D2 structures are aligned as theirs have to be',
    run: (guest) => {
      assert.equal(offsetOf(guest, VIRTIO_PCI_CAP_COMMON_CFG) % 4, 0);
      if (guest.traits.unconfigured !== true) assert.equal(offsetOf(guest, VIRTIO_PCI_CAP_DEVICE_CFG) % 4, 0);
      assert(lengthOf(guest, VIRTIO_PCI_CAP_COMMON_CFG) >= 56);
      assert(lengthOf(guest, VIRTIO_PCI_CAP_ISR_CFG) >= 1);
      return Promise.resolve();
    },
  },
  {
    name: 'PNTF-02 PNTF-03 PNTF-04 PNTF-05 the notification structure is aligned and covers every queue',
    run: async (guest) => {
      const multiplier = guest.structure(VIRTIO_PCI_CAP_NOTIFY_CFG).bytes.readUInt32LE(16);
      assert.equal(offsetOf(guest, VIRTIO_PCI_CAP_NOTIFY_CFG) % 2, 0);
      assert(multiplier === 0 || (multiplier >= 2 && Number.isInteger(Math.log2(multiplier))));
      await checkNotifyLength(guest, 2);
    },
  },
  {
    name: 'PNTF-06 PNTF-07 PNTF-08 PNTF-09 AMB-17 with NOTIFICATION_DATA there is room for 32 bits each',
    needs: VIRTIO_F_NOTIFICATION_DATA,
    run: async (guest) => {
      const multiplier = guest.structure(VIRTIO_PCI_CAP_NOTIFY_CFG).bytes.readUInt32LE(16);
      assert.equal(offsetOf(guest, VIRTIO_PCI_CAP_NOTIFY_CFG) % 4, 0);
      assert(multiplier === 0 || (multiplier >= 4 && Number.isInteger(Math.log2(multiplier))));
      await checkNotifyLength(guest, 4);
    },
  },
  {
    name: 'PSHM-01 PSHM-02 PSHM-D1 SHM-D1 PCAP-D4 the region is described in 64 bits, inside its BAR, under an id of its own',
    also: 'region',
    run: async (guest) => {
      const regions = guest.capabilities.filter(({ id, bytes }) => id === CAPABILITY_VENDOR && bytes[3] === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG);
      assert.equal(new Set(regions.map(({ bytes }) => bytes[5])).size, regions.length);
      for (const { bytes } of regions) {
        const offset = bytes.readUInt32LE(8) + bytes.readUInt32LE(16) * 2 ** 32;
        const length = bytes.readUInt32LE(12) + bytes.readUInt32LE(20) * 2 ** 32;
        assert(offset + length <= (await barSize(guest, bytes[4] ?? 0)));
        assert.equal(length, guest.traits.region);
      }
    },
  },
];

/** Identity, header, capabilities: VIRTIO 1.4 §4.1.2 and VIRTIO 1.4 §4.1.4. */
export function layoutCases(): readonly FunctionCase[] {
  return CASES;
}
