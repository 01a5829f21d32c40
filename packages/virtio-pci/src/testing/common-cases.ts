import assert from 'node:assert/strict';
import { VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_RING_PACKED, VIRTIO_F_RING_RESET, VIRTIO_F_VERSION_1 } from '@vpmem/virtio';
import { VirtioPciCommonCfg } from '../common-config.ts';
import { VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_CAP_PCI_CFG, VirtioPciCfgCap } from '../virtio-pci-capabilities.ts';
import type { FunctionCase } from './function-case.ts';
import type { VirtioGuest } from './virtio-guest.ts';

const WINDOWS = [0, 1, 2, 3, 4, 0xffff_ffff];
const MASK = 0xffff_ffffn;
/** VIRTIO 1.4 §6: what any device on PCI may offer; the rest is its type's, reserved, or legacy. */
const OFFERABLE = [28, 29, 32, 33, 34, 35, 36, 38, 39, 40, 43];
const { bar, offset, length, pci_cfg_data } = VirtioPciCfgCap.fields;

/** Points the configuration access capability at a register of the common configuration. */
async function aim(guest: VirtioGuest, register: keyof typeof VirtioPciCommonCfg.fields, size?: number): Promise<number> {
  const { at } = guest.structure(VIRTIO_PCI_CAP_PCI_CFG);
  const common = guest.structure(VIRTIO_PCI_CAP_COMMON_CFG).bytes;
  const field = VirtioPciCommonCfg.fields[register];
  await guest.pci.writeConfig(at + bar.offset, 1, common[4] ?? 0);
  await guest.pci.writeConfig(at + offset.offset, 4, common.readUInt32LE(8) + field.offset);
  await guest.pci.writeConfig(at + length.offset, 4, size ?? field.size);
  return at + pci_cfg_data.offset;
}

const CASES: readonly FunctionCase[] = [
  {
    name: 'PCOM-03 RFB-14 FEAT-12 FEAT-D1 RFB-D1 AMB-18 AMB-27 shows what it offers in windows of 32 bits, and 0 beyond',
    run: async (guest) => {
      const { offered, typeFeatures = 1n } = guest.traits;
      const expected = WINDOWS.map((window) => (window > 3 ? 0 : Number((offered >> BigInt(32 * window)) & MASK)));
      assert.deepEqual(await guest.windows('device_feature_select', 'device_feature', WINDOWS), expected);
      assert.equal(offered & VIRTIO_F_VERSION_1, VIRTIO_F_VERSION_1);
      const others = Array.from({ length: 128 }, (_, bit) => bit).filter((bit) => !OFFERABLE.includes(bit) && (((offered & ~typeFeatures) >> BigInt(bit)) & 1n) === 1n);
      assert.deepEqual(others, []);
    },
  },
  {
    name: 'RFB-22 RFB-23 FEAT-09 does not offer SR_IOV, having no SR-IOV capability',
    run: (guest) => {
      assert.equal(guest.traits.offered & (1n << 37n), 0n);
      // SR-IOV is an extended capability: a conventional function, without that of PCI Express, has no room for one.
      assert(!guest.capabilities.some(({ id }) => id === 0x10));
      return Promise.resolve();
    },
  },
  {
    name: 'PCOM-04 PGEN-D1 driver_feature reads back what was accepted, window by window',
    run: async (guest) => {
      const { offered } = guest.traits;
      await guest.resetDevice();
      for (const features of [offered, 0n, VIRTIO_F_VERSION_1]) {
        await guest.accept(features);
        const expected = WINDOWS.map((window) => (window > 3 ? 0 : Number((features >> BigInt(32 * window)) & MASK)));
        assert.deepEqual(await guest.windows('driver_feature_select', 'driver_feature', WINDOWS), expected);
      }
    },
  },
  {
    name: 'PCOM-D2 PCOM-D3 PCOM-14 PCOM-15 PCOM-D1 SPL-D9 says how many queues there are and how large, and size 0 where there is none',
    run: async (guest) => {
      const { queueSizes } = guest.traits;
      assert.equal(await guest.get('num_queues'), queueSizes.length);
      for (const [queue, size] of queueSizes.entries()) {
        assert.equal(await guest.queueRegister(queue, 'queue_size'), size);
        assert.equal(size & (size - 1), 0);
      }
      for (const queue of [queueSizes.length, 0xffff]) assert.equal(await guest.queueRegister(queue, 'queue_size'), 0);
    },
  },
  {
    name: 'PCOM-D1 PCOM-D3 a queue can be made smaller, for itself alone, until it is enabled or reset',
    run: async (guest) => {
      await guest.negotiate(VIRTIO_F_VERSION_1);
      const largest = guest.traits.queueSizes[0] ?? 0;
      await guest.set('queue_select', 0);
      for (let size = largest; size > 0; size >>= 1) {
        await guest.set('queue_size', size);
        assert.equal(await guest.get('queue_size'), size);
      }
      for (const [queue, size] of guest.traits.queueSizes.entries()) {
        if (queue > 0) assert.equal(await guest.queueRegister(queue, 'queue_size'), size);
      }
      await guest.resetDevice();
      assert.equal(await guest.queueRegister(0, 'queue_size'), largest);
    },
  },
  {
    name: 'PKD-D7 PCOM-15 with RING_PACKED any size will do, without only powers of two',
    needs: VIRTIO_F_RING_PACKED,
    run: async (guest) => {
      for (const [features, expected] of [[VIRTIO_F_RING_PACKED, 7], [0n, guest.traits.queueSizes[0] ?? 0]] as const) {
        await guest.negotiate(VIRTIO_F_VERSION_1 | features);
        await guest.set('queue_select', 0);
        await guest.set('queue_size', 7);
        assert.equal(await guest.get('queue_size'), expected);
      }
    },
  },
  {
    name: 'PGEN-15 PGEN-D1 serves both halves of a 64-bit register, each alone',
    run: async (guest) => {
      const { bytes } = guest.structure(VIRTIO_PCI_CAP_COMMON_CFG);
      const [index, base] = [bytes[4] ?? 0, bytes.readUInt32LE(8)];
      await guest.negotiate(VIRTIO_F_VERSION_1);
      await guest.set('queue_select', 0);
      for (const register of ['queue_desc', 'queue_driver', 'queue_device'] as const) {
        const at = base + VirtioPciCommonCfg.fields[register].offset;
        await guest.pci.writeBar(index, at + 4, 4, 0x12);
        await guest.pci.writeBar(index, at, 4, 0x3456_7890);
        assert.deepEqual([await guest.pci.readBar(index, at, 4), await guest.pci.readBar(index, at + 4, 4)], [0x3456_7890, 0x12]);
        await guest.pci.writeBar(index, at + 4, 4, 0);
        assert.deepEqual([await guest.pci.readBar(index, at, 4), await guest.pci.readBar(index, at + 4, 4)], [0x3456_7890, 0]);
      }
    },
  },
  {
    name: 'PGEN-D1 CFGS-D1 reads of a byte show the register little-endian',
    run: async (guest) => {
      const { bytes } = guest.structure(VIRTIO_PCI_CAP_COMMON_CFG);
      const at = bytes.readUInt32LE(8) + VirtioPciCommonCfg.fields.device_feature_select.offset;
      await guest.set('device_feature_select', 0x0403_0201);
      for (let i = 0; i < 4; i++) assert.equal(await guest.pci.readBar(bytes[4] ?? 0, at + i, 1), i + 1);
      if (guest.traits.unconfigured === true) return;
      const dword = await guest.config(8);
      for (let i = 0; i < 4; i++) assert.equal(await guest.config(8 + i, 1), (dword >>> (8 * i)) & 0xff);
    },
  },
  {
    name: 'PCOM-D4 registers of features that were not negotiated are not there',
    run: async (guest) => {
      await guest.bringUp();
      for (const register of ['queue_notif_config_data', 'queue_reset', 'admin_queue_index', 'admin_queue_num'] as const) {
        assert.equal(await guest.queueRegister(0, register), 0, register);
        await guest.set(register, 1);
      }
      assert.equal(await guest.get('queue_enable'), 1);
    },
  },
  {
    name: 'PCOM-D4 queue_notif_config_data says what to send, and queue_reset is there, once negotiated',
    needs: VIRTIO_F_NOTIF_CONFIG_DATA | VIRTIO_F_RING_RESET,
    run: async (guest) => {
      const queue = await guest.bringUp(VIRTIO_F_NOTIF_CONFIG_DATA | VIRTIO_F_RING_RESET);
      await guest.transact(queue);
      await guest.set('queue_reset', 1);
      assert.equal(await guest.get('queue_enable'), 0);
    },
  },
  {
    name: 'PACC-02 PACC-03 PACC-D1 reaches a BAR through configuration space, with 1, 2 and 4 bytes',
    run: async (guest) => {
      await guest.resetDevice();
      const select = await aim(guest, 'device_feature_select');
      await guest.pci.writeConfig(select, 4, 0x8765_4321);
      assert.deepEqual([await guest.get('device_feature_select'), await guest.pci.readConfig(select, 4)], [0x8765_4321, 0x8765_4321]);
      const half = await aim(guest, 'queue_size');
      assert.equal((await guest.pci.readConfig(half, 4)) & 0xffff, await guest.queueRegister(0, 'queue_size'));
      const byte = await aim(guest, 'device_status');
      await guest.pci.writeConfig(byte, 1, 1);
      assert.deepEqual([await guest.get('device_status'), await guest.pci.readConfig(byte, 1)], [1, 1]);
    },
  },
  {
    name: 'PACC-03 touches nothing while it is aimed nowhere',
    run: async (guest) => {
      await guest.resetDevice();
      await guest.set('device_feature_select', 0);
      const data = await aim(guest, 'device_feature_select', 3);
      await guest.pci.writeConfig(data, 4, 0xffff_ffff);
      assert.equal(await guest.get('device_feature_select'), 0);
    },
  },
];

/** The common configuration's registers, and the way to them through configuration space: VIRTIO 1.4 §4.1.4.3 and VIRTIO 1.4 §4.1.4.9. */
export function commonCases(): readonly FunctionCase[] {
  return CASES;
}
