import assert from 'node:assert/strict';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, VIRTIO_F_RING_PACKED, VIRTIO_F_RING_RESET, VIRTIO_F_VERSION_1 } from '@vpmem/virtio';
import { createDriverQueue, type DriverVirtqueue } from '@vpmem/virtio/driver';
import type { FunctionCase } from './function-case.ts';
import { QUEUE_AT, type VirtioGuest } from './virtio-guest.ts';

const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;

const FORMATS = [
  ['', 0n],
  [' of a packed queue', VIRTIO_F_RING_PACKED],
] as const;

/** A driver in a hurry: DRIVER_OK before any queue is enabled, which VIRTIO 1.4 §3.1.1 has the other way round. */
async function hurry(guest: VirtioGuest, features: bigint): Promise<void> {
  if (guest.traits.interrupts === 'MSI-X') await guest.enableMsix();
  assert.equal(await guest.negotiate(VIRTIO_F_VERSION_1 | features), READY);
  await guest.set('device_status', READY | DRIVER_OK);
}

/** Interrupts since this was last asked. */
async function announced(guest: VirtioGuest): Promise<boolean> {
  return guest.traits.interrupts === 'MSI-X' ? (await guest.pci.takeMessages()).length > 0 : (await guest.takeIsr()) !== 0;
}

/** A request in the ring that is answered without another notification. */
async function answeredByItself(guest: VirtioGuest, queue: DriverVirtqueue, head: number | undefined): Promise<void> {
  await guest.pci.settle();
  assert.deepEqual(queue.takeUsed(), { head, length: guest.traits.response.length });
  assert(await announced(guest));
}

/** What becomes of a driver that does things later or earlier than it should: it is served, since silence would have it wait for ever. */
export function lateCases(): readonly FunctionCase[] {
  return FORMATS.flatMap(([of, packed]): FunctionCase[] => [
    {
      name: `a driver that enables its queue after DRIVER_OK is served: requests${of}`,
      needs: packed,
      run: async (guest) => {
        await hurry(guest, packed);
        const queue = await guest.setUpQueue();
        assert.equal(await guest.queueRegister(0, 'queue_enable'), 1);
        for (let i = 0; i < 20; i++) await guest.transact(queue);
        assert(await announced(guest));
        assert.equal(await guest.get('device_status'), READY | DRIVER_OK);
      },
    },
    {
      name: `a queue that is enabled after DRIVER_OK, reset and enabled again is served: requests${of}`,
      needs: packed | VIRTIO_F_RING_RESET,
      run: async (guest) => {
        await hurry(guest, packed | VIRTIO_F_RING_RESET);
        for (const at of [QUEUE_AT, 0x4000, QUEUE_AT]) {
          // Also once before it was ever enabled.
          await guest.set('queue_select', 0);
          await guest.set('queue_reset', 1);
          while ((await guest.queueRegister(0, 'queue_reset')) !== 0) await guest.pci.settle();
          guest.memory.write(at, new Uint8Array(0x2000));
          const queue = await guest.setUpQueue(16, at);
          for (let i = 0; i < 20; i++) await guest.transact(queue);
        }
      },
    },
    {
      // QEMU drops such a notification, and its driver waits; there requests cannot be held either.
      name: `a notification that came before the queue was enabled, or before DRIVER_OK, is heeded: requests${of}`,
      needs: packed,
      also: 'held',
      run: async (guest) => {
        await hurry(guest, packed);
        await guest.writeNotify(0, 2, 0);
        await guest.pci.settle();
        const early = createDriverQueue(guest.memory, guest.features, QUEUE_AT, 16);
        const first = early.add(guest.requestElements());
        early.publish();
        await guest.setUpQueue(16, QUEUE_AT, early);
        await answeredByItself(guest, early, first);
        for (let i = 0; i < 5; i++) await guest.transact(early);

        await guest.negotiate(VIRTIO_F_VERSION_1 | packed);
        const queue = await guest.setUpQueue();
        const second = queue.add(guest.requestElements());
        queue.publish();
        await guest.notify(queue);
        await guest.pci.settle();
        assert.equal(queue.takeUsed(), undefined);
        await guest.set('device_status', READY | DRIVER_OK);
        await answeredByItself(guest, queue, second);
      },
    },
  ]);
}
