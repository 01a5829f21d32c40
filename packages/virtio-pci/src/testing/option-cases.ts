import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  ACKNOWLEDGE,
  DRIVER,
  DRIVER_OK,
  FEATURES_OK,
  SUSPEND,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from '@vpmem/virtio';
import type { DriverVirtqueue } from '@vpmem/virtio/driver';
import type { FunctionCase } from './function-case.ts';
import { moveRegion } from './interrupt-cases.ts';
import type { VirtioGuest } from './virtio-guest.ts';

const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;
const RUNNING = READY | DRIVER_OK;

/** To tell two stretches of memory apart without printing them. */
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the guest can see of a device that has nothing to do. */
async function outside(guest: VirtioGuest): Promise<unknown> {
  return [digest(guest.bytes(0x1000, 0xb000)), await guest.pci.takeMessages(), await guest.pci.intx()];
}

/** Offers a request, and sees that nothing comes of it. */
async function requestInVain(guest: VirtioGuest, queue: DriverVirtqueue): Promise<void> {
  queue.add(guest.requestElements());
  queue.publish();
  await guest.pci.takeMessages();
  const before = await outside(guest);
  await guest.notify(queue);
  await guest.pci.settle();
  assert.deepEqual(await outside(guest), before);
}

/** VIRTIO 1.4 §2.6.1: resets the selected queue, and waits until that is done. */
async function resetQueue(guest: VirtioGuest): Promise<void> {
  await guest.set('queue_reset', 1);
  while ((await guest.get('queue_reset')) !== 0) await guest.pci.settle();
}

async function suspend(guest: VirtioGuest): Promise<void> {
  await guest.set('device_status', RUNNING | SUSPEND);
  while (((await guest.get('device_status')) & SUSPEND) === 0) await guest.pci.settle();
  assert.equal(await guest.get('device_status'), READY | SUSPEND);
}

async function resume(guest: VirtioGuest): Promise<void> {
  await guest.set('device_status', RUNNING | SUSPEND);
  assert.equal(await guest.get('device_status'), RUNNING);
}

const CASES: readonly FunctionCase[] = [
  ...[0n, VIRTIO_F_RING_PACKED].flatMap((format): FunctionCase[] => [
    {
      name: format === 0n ? 'DNOT-D5 with NOTIFICATION_DATA requests are served, repeated notifications too' : 'DNOT-D5 with NOTIFICATION_DATA requests of a packed queue are served',
      needs: VIRTIO_F_NOTIFICATION_DATA | format,
      run: async (guest) => {
        const queue = await guest.bringUp(VIRTIO_F_NOTIFICATION_DATA | format, 4);
        for (let i = 0; i < 7; i++) {
          await guest.transact(queue);
          await guest.notify(queue);
        }
      },
    },
  ]),
  {
    name: 'PCOM-D4 PNTF-D1 with NOTIF_CONFIG_DATA what the device said is what it hears',
    needs: VIRTIO_F_NOTIF_CONFIG_DATA | VIRTIO_F_NOTIFICATION_DATA,
    run: async (guest) => {
      for (const features of [VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_NOTIF_CONFIG_DATA | VIRTIO_F_NOTIFICATION_DATA]) {
        const queue = await guest.bringUp(features);
        await guest.transact(queue);
        // A driver that sends the index by habit is not heard.
        queue.add(guest.requestElements());
        queue.publish();
        await guest.writeNotify(0, 2, 0);
        await guest.pci.settle();
        assert.equal(queue.takeUsed(), undefined);
      }
    },
  },
  {
    name: 'PNTF-D1 a queue hears of its own notification address only',
    run: async (guest) => {
      const queue = await guest.bringUp();
      await guest.transact(queue);
      queue.add(guest.requestElements());
      queue.publish();
      for (const other of guest.traits.queueSizes.keys()) if (other !== 0) await guest.writeNotify(other, 2, other);
      await guest.pci.settle();
      assert.equal(queue.takeUsed(), undefined);
      await guest.kick(queue);
      assert.notEqual(queue.takeUsed(), undefined);
    },
  },
  {
    name: 'VQR-01 VQR-02 PCOM-11 PCOM-13 a queue that was reset is left alone, whoever notifies',
    needs: VIRTIO_F_RING_RESET,
    run: async (guest) => {
      const queue = await guest.bringUp(VIRTIO_F_RING_RESET);
      await guest.transact(queue);
      if (guest.traits.interrupts === 'INTx') await guest.takeIsr();
      await resetQueue(guest);
      assert.equal(await guest.get('queue_enable'), 0);
      await requestInVain(guest, queue);
      assert.equal(await guest.get('device_status'), RUNNING);
    },
  },
  {
    name: 'VQR-03 VQR-06 PCOM-09 PCOM-10 a queue that was reset has its first values, and can be enabled again, elsewhere, smaller',
    needs: VIRTIO_F_RING_RESET,
    run: async (guest) => {
      const largest = guest.traits.queueSizes[0] ?? 0;
      await guest.transact(await guest.bringUp(VIRTIO_F_RING_RESET));
      assert.equal(await guest.get('queue_reset'), 0);
      for (const size of [4, 2, largest]) {
        await resetQueue(guest);
        assert.deepEqual([await guest.get('queue_size'), await guest.get('queue_desc'), await guest.get('queue_msix_vector')], [largest, 0, 0xffff]);
        const queue = await guest.setUpQueue(size, 0x4000);
        assert.deepEqual([await guest.get('queue_enable'), await guest.get('queue_reset')], [1, 0]);
        for (let i = 0; i < 5; i++) await guest.transact(queue);
      }
    },
  },
  {
    name: 'VQR-03 VQR-06 a packed queue begins at its first slot again, with the first wrap counter',
    needs: VIRTIO_F_RING_RESET | VIRTIO_F_RING_PACKED,
    run: async (guest) => {
      let queue = await guest.bringUp(VIRTIO_F_RING_RESET | VIRTIO_F_RING_PACKED, 5);
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 4; i++) await guest.transact(queue);
        await resetQueue(guest);
        queue = await guest.setUpQueue(5);
      }
    },
  },
  {
    name: 'PCOM-12 VQR-01 VQR-02 queue_reset reads 1 while a request is in flight, which is never answered',
    needs: VIRTIO_F_RING_RESET,
    also: 'held',
    run: async (guest) => {
      const queue = await guest.bringUp(VIRTIO_F_RING_RESET);
      queue.add(guest.requestElements());
      queue.publish();
      await guest.notify(queue);
      const before = await outside(guest);
      await guest.set('queue_reset', 1);
      assert.deepEqual([await guest.get('queue_reset')], [1]);
      await guest.pci.settle();
      assert.deepEqual([await guest.get('queue_reset'), await guest.get('queue_enable')], [0, 0]);
      assert.deepEqual(await outside(guest), before);
    },
  },
  {
    name: 'SUSP-07 SUSPEND means nothing before DRIVER_OK, and nothing to a device that did not negotiate it',
    needs: VIRTIO_F_SUSPEND,
    run: async (guest) => {
      await guest.negotiate(VIRTIO_F_SUSPEND | (1n << 32n));
      await guest.set('device_status', READY | SUSPEND);
      assert.equal(await guest.get('device_status'), READY);
      const queue = await guest.bringUp();
      await guest.set('device_status', RUNNING | SUSPEND);
      assert.equal(await guest.get('device_status'), RUNNING);
      await guest.transact(queue);
    },
  },
  {
    name: 'SUSP-09 SUSP-10 SUSP-14 SUSP-15 takes nothing and says nothing while suspended, and goes on where it was',
    needs: VIRTIO_F_SUSPEND,
    run: async (guest) => {
      const queue = await guest.bringUp(VIRTIO_F_SUSPEND);
      await guest.transact(queue);
      if (guest.traits.interrupts === 'INTx') await guest.takeIsr();
      await suspend(guest);
      await requestInVain(guest, queue);
      await resume(guest);
      await guest.pci.settle();
      assert.equal(queue.takeUsed()?.length, guest.traits.response.length);
      await guest.transact(queue);
    },
  },
  {
    name: 'SUSP-16 what was in flight is answered and announced before the suspended state shows',
    needs: VIRTIO_F_SUSPEND,
    also: 'held',
    run: async (guest) => {
      const queue = await guest.bringUp(VIRTIO_F_SUSPEND);
      queue.add(guest.requestElements());
      queue.publish();
      await guest.notify(queue);
      await guest.set('device_status', RUNNING | SUSPEND);
      assert.equal(await guest.get('device_status'), RUNNING);
      await suspend(guest);
      assert.equal(queue.takeUsed()?.length, guest.traits.response.length);
      assert(guest.traits.interrupts === 'INTx' ? await guest.pci.intx() : (await guest.pci.takeMessages()).length === 1);
    },
  },
  {
    name: 'SUSP-08 SUSP-11 SUSP-12 SUSP-13 no register changes while suspended; what changed meanwhile is announced afterwards',
    needs: VIRTIO_F_SUSPEND,
    also: 'address',
    run: async (guest) => {
      await guest.bringUp(VIRTIO_F_SUSPEND);
      await suspend(guest);
      const seen = async (): Promise<number[]> => [await guest.get('config_generation'), await guest.config(0), await guest.config(4), await guest.get('queue_select'), await guest.get('queue_enable'), await guest.get('device_feature_select')];
      const before = await seen();
      await moveRegion(guest);
      for (const register of ['queue_select', 'queue_enable', 'device_feature_select'] as const) await guest.set(register, 5);
      await guest.writeConfig(0, 4, 77);
      assert.deepEqual(await seen(), before);
      assert.deepEqual([await guest.pci.takeMessages(), await guest.pci.intx()], [[], false]);
      await resume(guest);
      assert.notEqual(await guest.config(4), before[2]);
      assert.notEqual(await guest.get('config_generation'), before[0]);
      if (guest.traits.interrupts === 'INTx') assert.equal(await guest.pci.intx(), true);
      else assert.deepEqual(await guest.pci.takeMessages(), [0x41]);
    },
  },
];

/** Notifications with data (VIRTIO 1.4 §2.9), reset of one queue (VIRTIO 1.4 §2.6.1), suspending (VIRTIO 1.4 §3.4). */
export function optionCases(): readonly FunctionCase[] {
  return CASES;
}
