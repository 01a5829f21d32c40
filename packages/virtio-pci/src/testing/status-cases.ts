import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FAILED, FEATURES_OK, VIRTIO_F_VERSION_1 } from '@vpmem/virtio';
import type { FunctionCase } from './function-case.ts';
import type { VirtioGuest } from './virtio-guest.ts';

const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;
const RUNNING = READY | DRIVER_OK;
const RING_PACKED = 1n << 34n;

/** What a queue's memory and requests look like; with nobody at work it stays the same. */
const snapshot = (guest: VirtioGuest): string => createHash('sha256').update(guest.bytes(0x1000, 0xb000)).digest('hex');

/** Makes the device stumble over a split queue whose descriptor points nowhere. */
async function breakQueue(guest: VirtioGuest): Promise<void> {
  const queue = await guest.bringUp();
  queue.add([{ address: 0, length: 4 }]);
  // A head beyond the table.
  guest.memory.write(queue.placement.driver + 4, Uint8Array.of(0xff, 0xff));
  queue.publish();
  await guest.notify(queue);
  await guest.pci.settle();
}

const CASES: readonly FunctionCase[] = [
  {
    name: 'STAT-D1 STAT-D2 RST-01 PCOM-07 PCOM-08 status is 0 at first and after a reset, and goes up bit by bit',
    run: async (guest) => {
      assert.equal(await guest.get('device_status'), 0);
      for (const status of [ACKNOWLEDGE, ACKNOWLEDGE | DRIVER]) {
        await guest.set('device_status', status);
        assert.equal(await guest.get('device_status'), status);
      }
      await guest.bringUp();
      assert.equal(await guest.get('device_status'), RUNNING);
      await guest.set('device_status', RUNNING | FAILED);
      assert.equal(await guest.get('device_status'), RUNNING | FAILED);
      await guest.resetDevice();
      assert.deepEqual([await guest.get('device_status'), await guest.queueRegister(0, 'queue_enable')], [0, 0]);
    },
  },
  {
    name: 'STAT-05 STAT-06 INIT-D2 no buffer is taken and nothing announced before DRIVER_OK',
    run: async (guest) => {
      if (guest.traits.interrupts === 'MSI-X') await guest.enableMsix();
      await guest.negotiate(VIRTIO_F_VERSION_1);
      const queue = await guest.setUpQueue();
      queue.add(guest.requestElements());
      queue.publish();
      const before = snapshot(guest);
      await guest.notify(queue);
      await guest.pci.settle();
      assert.deepEqual(snapshot(guest), before);
      assert.deepEqual([await guest.pci.takeMessages(), await guest.pci.intx()], [[], false]);
      await guest.set('device_status', RUNNING);
      await guest.notify(queue);
      await guest.pci.settle(() => guest.bytes(queue.placement.device + 2, 1)[0] === 1);
      assert.notEqual(queue.takeUsed(), undefined);
    },
  },
  {
    name: 'STAT-07 STAT-08 a broken queue ends in DEVICE_NEEDS_RESET and a configuration change notification',
    run: async (guest) => {
      await breakQueue(guest);
      assert.equal(await guest.get('device_status'), RUNNING | DEVICE_NEEDS_RESET);
      if (guest.traits.interrupts === 'MSI-X') assert.deepEqual(await guest.pci.takeMessages(), [0x41]);
      else assert.equal(await guest.pci.intx(), true);
      await guest.transact(await guest.bringUp());
    },
  },
  {
    name: 'FEAT-10 FEAT-13 agrees to every valid set of what it offers, and again after resets of device and platform',
    run: async (guest) => {
      const { offered } = guest.traits;
      const bits = Array.from({ length: 64 }, (_, i) => 1n << BigInt(i)).filter((bit) => (offered & bit) !== 0n && bit !== VIRTIO_F_VERSION_1);
      const sets = [offered, VIRTIO_F_VERSION_1, ...bits.flatMap((bit) => [VIRTIO_F_VERSION_1 | bit, offered & ~bit])];
      for (let round = 0; round < 2; round++) {
        for (const features of sets) assert.equal(await guest.negotiate(features), READY, `0x${features.toString(16)}`);
        await guest.pci.reset();
      }
    },
  },
  {
    name: 'FEAT-11 RFB-15 a set that is not valid leaves FEATURES_OK clear, and another can be tried',
    run: async (guest) => {
      const { offered } = guest.traits;
      const unknown = [44n, 63n, 70n, 127n].map((bit) => VIRTIO_F_VERSION_1 | (1n << bit));
      for (const features of [0n, offered & ~VIRTIO_F_VERSION_1, ...unknown, VIRTIO_F_VERSION_1 | (~offered & RING_PACKED) | (1n << 44n)]) {
        assert.equal(await guest.negotiate(features), ACKNOWLEDGE | DRIVER, `0x${features.toString(16)}`);
        await guest.accept(VIRTIO_F_VERSION_1);
        await guest.set('device_status', READY);
        assert.equal(await guest.get('device_status'), READY);
      }
    },
  },
  {
    name: 'FEAT-D2 what was agreed stays until a reset',
    run: async (guest) => {
      await guest.bringUp();
      const agreed = await guest.windows('driver_feature_select', 'driver_feature', [0, 1]);
      await guest.accept(0n);
      assert.deepEqual(await guest.windows('driver_feature_select', 'driver_feature', [0, 1]), agreed);
    },
  },
  {
    name: 'RST-02 RST-03 INIT-D2 after a reset the old queue is left alone and nothing is announced',
    run: async (guest) => {
      const queue = await guest.bringUp();
      await guest.transact(queue);
      queue.add(guest.requestElements());
      queue.publish();
      await guest.resetDevice();
      await guest.pci.takeMessages();
      const before = snapshot(guest);
      await guest.notify(queue);
      await guest.pci.settle();
      assert.deepEqual(snapshot(guest), before);
      assert.deepEqual([await guest.pci.takeMessages(), await guest.pci.intx()], [[], false]);
    },
  },
  {
    name: 'RST-01 RST-02 RST-03 PCOM-07 a reset with a request in flight ends only after it, and nobody hears of it',
    also: 'held',
    run: async (guest) => {
      const queue = await guest.bringUp();
      queue.add(guest.requestElements());
      queue.publish();
      await guest.notify(queue);
      await guest.pci.takeMessages();
      const before = snapshot(guest);
      await guest.resetDevice();
      assert.deepEqual(snapshot(guest), before);
      assert.deepEqual([await guest.pci.takeMessages(), await guest.pci.intx()], [[], false]);
      await guest.transact(await guest.bringUp());
    },
  },
  {
    name: 'AMB-21 PMSX-09 PCOM-09 a reset gives every register its first value',
    run: async (guest) => {
      const registers = ['device_feature_select', 'driver_feature_select', 'driver_feature', 'config_msix_vector', 'queue_select', 'queue_size', 'queue_msix_vector', 'queue_enable', 'queue_desc', 'queue_driver', 'queue_device', 'queue_reset'] as const;
      const read = async (): Promise<number[]> => {
        const values = [];
        for (const register of registers) values.push(await guest.get(register));
        return values;
      };
      await guest.resetDevice();
      const before = await read();
      await guest.bringUp(guest.traits.offered);
      await guest.set('device_feature_select', 1);
      await guest.resetDevice();
      assert.deepEqual(await read(), before);
    },
  },
  {
    name: 'CFGS-06 CFGS-D2 PCOM-06 the configuration can be read before negotiation, and its generation changes with it',
    also: 'configuration',
    run: async (guest) => {
      await guest.resetDevice();
      const read = async (): Promise<number[]> => [await guest.config(0), await guest.config(4), await guest.config(8), await guest.config(12)];
      const before = { generation: await guest.get('config_generation'), values: await read() };
      assert.equal(await guest.get('config_generation'), before.generation);
      for (const features of [guest.traits.offered, VIRTIO_F_VERSION_1]) {
        await guest.negotiate(features);
        const after = { generation: await guest.get('config_generation'), values: await read() };
        const changed = JSON.stringify(after.values) !== JSON.stringify(before.values);
        if (changed) assert.notEqual(after.generation, before.generation);
        Object.assign(before, after);
      }
    },
  },
];

/** Device status, features and reset: VIRTIO 1.4 §2.1, VIRTIO 1.4 §2.2 and VIRTIO 1.4 §2.4. */
export function statusCases(): readonly FunctionCase[] {
  return CASES;
}
