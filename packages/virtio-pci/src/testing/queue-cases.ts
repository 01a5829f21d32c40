import assert from 'node:assert/strict';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from '@vpmem/virtio';
import { DriverQueue, PackedDriverQueue, type DriverVirtqueue, type Element } from '@vpmem/virtio/driver';
import type { FunctionCase } from './function-case.ts';
import { TABLE_AT, type VirtioGuest } from './virtio-guest.ts';

type Run = (guest: VirtioGuest, features: bigint) => Promise<void>;

/** The same over both ring formats, under the ids of each. `needs` is negotiated. */
const over = (names: { readonly split: string; readonly packed: string }, run: Run, needs = 0n): FunctionCase[] => [
  { name: names.split, needs, run: (guest) => run(guest, needs) },
  { name: names.packed, needs: needs | VIRTIO_F_RING_PACKED, run: (guest) => run(guest, needs | VIRTIO_F_RING_PACKED) },
];

/** The elements, each in pieces of `size` bytes. */
const inPieces = (elements: readonly Element[], size: number): Element[] =>
  elements.flatMap(({ address, length, writable = false }) =>
    Array.from({ length: Math.ceil(length / size) }, (_, i) => ({ address: address + i * size, length: Math.min(size, length - i * size), writable })),
  );

function answered(guest: VirtioGuest, queue: DriverVirtqueue, elements: readonly Element[], head: number | undefined): void {
  const { response } = guest.traits;
  const used = queue.takeUsed();
  assert.deepEqual(used, { head, length: response.length });
  const at = elements.find(({ writable }) => writable)?.address ?? 0;
  assert.deepEqual(guest.bytes(at, response.length), Buffer.from(response));
}

/** Entries enough for a request and its answer byte by byte, if the device has so many. */
const largest = ({ traits }: VirtioGuest): number => Math.min(traits.queueSizes[0] ?? 0, 32);

/** Interrupts since this was last asked. */
async function interrupts(guest: VirtioGuest): Promise<number> {
  if (guest.traits.interrupts === 'MSI-X') return (await guest.pci.takeMessages()).length;
  return (await guest.takeIsr()) === 0 ? 0 : 1;
}

const CASES: readonly FunctionCase[] = [
  ...over(
    {
      split: 'SPL-02 SPL-14 a request is served however it is cut into descriptors',
      packed: 'SPL-02 PKD-19 PKD-D4 a request is served however it is cut into descriptors of a packed queue',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features, largest(guest));
      for (const size of [1, 2, 3, 64]) {
        const elements = inPieces(guest.requestElements(), size);
        const head = queue.add(elements);
        await guest.serve(queue);
        answered(guest, queue, elements, head);
      }
      if (guest.traits.exact === true) return;
      const longer = guest.requestElements().map((element) => ({ ...element, length: 32 }));
      const head = queue.add(longer);
      await guest.serve(queue);
      answered(guest, queue, longer, head);
    },
  ),
  ...over(
    {
      split: 'SPL-D3 SPL-D4 all requests of one notification are served',
      packed: 'PKD-02 PKD-D3 all requests of one notification of a packed queue are served',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features);
      const requests = Array.from({ length: 8 }, () => guest.requestElements());
      const heads = new Set(requests.map((elements) => queue.add(elements)));
      await guest.serve(queue, 8);
      for (let used = queue.takeUsed(); used !== undefined; used = queue.takeUsed()) {
        assert.equal(used.length, guest.traits.response.length);
        assert(heads.delete(used.head));
      }
      assert.equal(heads.size, 0);
      for (const elements of requests) assert.deepEqual(guest.bytes(elements[1]?.address ?? 0, guest.traits.response.length), Buffer.from(guest.traits.response));
    },
  ),
  ...over(
    {
      split: 'SPL-06 SPL-09 SPL-14 SPL-D7 writes its answer and its part of the queue, and nothing else',
      packed: 'PKD-05 PKD-08 PEVT-D3 writes its answer and its part of a packed queue, and nothing else',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features);
      await guest.transact(queue);
      const elements = guest.requestElements();
      queue.add(elements);
      queue.publish();
      const before = guest.bytes(0, 0xf000);
      await guest.kick(queue);
      const { desc, device } = queue.placement;
      const [answer, length] = [elements[1]?.address ?? 0, guest.traits.response.length];
      // A used ring of 16, or the event structure and the one descriptor that was used: the third, by its length, id and flags.
      const allowed = (features & VIRTIO_F_RING_PACKED) === 0n ? [[device, 6 + 8 * 16]] : [[device, 4], [desc + 2 * 16 + 8, 8]];
      const changed = [...guest.bytes(0, 0xf000)].flatMap((byte, at) => (byte === before[at] ? [] : [at]));
      const own = (at: number): boolean => [...allowed, [answer, length]].some(([start = 0, size = 0]) => at >= start && at < start + size);
      assert(changed.length > 0);
      assert.deepEqual(changed.filter((at) => !own(at)), []);
    },
  ),
  ...over(
    {
      split: 'SPL-D1 SPL-D2 goes round the ring with any size that is allowed',
      packed: 'PKD-D1 PKD-D2 PKD-D7 goes round a packed ring with any size',
    },
    async (guest, features) => {
      const largest = guest.traits.queueSizes[0] ?? 0;
      const sizes = (features & VIRTIO_F_RING_PACKED) === 0n ? [2, 4, largest] : [2, 3, 5, largest];
      for (const size of sizes.filter((each) => each <= largest)) {
        const queue = await guest.bringUp(features, size);
        for (let i = 0; i < Math.min(2 * size + 3, 40); i++) await guest.transact(queue);
      }
    },
  ),
  ...over(
    {
      split: 'SIND-D1 serves a request in an indirect table',
      packed: 'PIND-D1 serves a request in an indirect table of a packed queue',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features, largest(guest));
      for (const size of [64, 1]) {
        const elements = inPieces(guest.requestElements(), size);
        const head = queue.addIndirect(elements, TABLE_AT);
        await guest.serve(queue);
        answered(guest, queue, elements, head);
      }
    },
    VIRTIO_F_INDIRECT_DESC,
  ),
  ...over(
    {
      split: 'SIND-06 WRITE on the descriptor of an indirect table means nothing',
      packed: 'PIND-D2 WRITE on the descriptor of an indirect table of a packed queue means nothing',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features);
      const elements = guest.requestElements();
      const head = queue.addIndirect(elements, TABLE_AT);
      // The flags are the last two bytes of a packed descriptor, and those before the last two of a split one.
      if (queue instanceof DriverQueue) guest.memory.write(queue.placement.desc + 12, Uint8Array.of(4 | 2));
      queue.publish();
      if (queue instanceof PackedDriverQueue) guest.memory.write(queue.placement.desc + 14, Uint8Array.of(0x80 | 4 | 2));
      await guest.kick(queue);
      answered(guest, queue, elements, head);
    },
    VIRTIO_F_INDIRECT_DESC,
  ),
  {
    name: 'SIND-07 serves a chain of plain descriptors that ends in an indirect one',
    needs: VIRTIO_F_INDIRECT_DESC,
    run: async (guest) => {
      const queue = await guest.bringUp(VIRTIO_F_INDIRECT_DESC);
      assert(queue instanceof DriverQueue);
      const elements = guest.requestElements();
      const [request, response] = elements;
      const head = queue.addIndirect(response === undefined ? [] : [response], TABLE_AT) ?? 0;
      queue.writeDescriptor(9, { addr: TABLE_AT, len: 16, flags: 4, next: 0 });
      queue.writeDescriptor(head, { addr: request?.address ?? 0, len: request?.length ?? 0, flags: 1, next: 9 });
      await guest.serve(queue);
      answered(guest, queue, elements, head);
    },
  },
  ...over(
    {
      split: 'SEVT-06 SEVT-07 SEVT-08 SEVT-19 without EVENT_IDX announces unless the driver\'s flag forbids it',
      packed: 'PEVT-D1 PEVT-D4 without EVENT_IDX announces unless the driver\'s structure forbids it',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features);
      // What EVENT_IDX would say: later.
      if (queue instanceof DriverQueue) queue.setUsedEvent(100);
      for (const wanted of [1, 0, 1]) {
        queue.setInterrupts(wanted === 1);
        await guest.transact(queue);
        assert.equal(await interrupts(guest), wanted);
        if (queue instanceof DriverQueue) assert.deepEqual([...guest.bytes(queue.placement.device, 2)], [0, 0]);
      }
    },
  ),
  ...over(
    {
      split: 'SEVT-09 SEVT-10 SEVT-11 SEVT-21 SEVT-D1 with EVENT_IDX announces the entry the driver named, whatever its flag says',
      packed: 'PEVT-D2 with EVENT_IDX announces the slot the driver named',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features);
      const isSplit = queue instanceof DriverQueue;
      const seen: number[] = [];
      for (let i = 0; i < 6; i++) {
        // Entries 2 and 4. A packed queue's request takes two slots, of the 16 in its first lap.
        if (isSplit) {
          queue.setInterrupts(false);
          queue.setUsedEvent(i <= 2 ? 2 : 4);
        } else if (queue instanceof PackedDriverQueue) queue.setUsedEvent((i <= 2 ? 4 : 8) | 0x8000);
        queue.add(guest.requestElements());
        await guest.serve(queue);
        seen.push(await interrupts(guest));
        if (isSplit) assert.deepEqual([...guest.bytes(queue.placement.device, 2)], [0, 0]);
      }
      assert.deepEqual(seen, [0, 0, 1, 0, 1, 0]);
    },
    VIRTIO_F_EVENT_IDX,
  ),
  ...over(
    {
      split: 'RFB-18 SPL-D5 SPL-D6 with IN_ORDER requests are used in the order of being made available',
      packed: 'RFB-18 PKD-D8 with IN_ORDER requests of a packed queue are used in the order of being made available',
    },
    async (guest, features) => {
      const queue = await guest.bringUp(features);
      for (let lap = 0; lap < 4; lap++) {
        // One that no device can answer with more than a failure is finished before its neighbours.
        const heads = [guest.requestElements(), guest.requestElements().slice(0, 1), guest.requestElements()].map((elements) => queue.add(elements));
        await guest.serve(queue, 3);
        const used = [queue.takeUsed()?.head, queue.takeUsed()?.head, queue.takeUsed()?.head];
        assert.deepEqual(used, heads);
      }
    },
    VIRTIO_F_IN_ORDER,
  ),
];

/** What queues have to do, as far as a guest can see it: VIRTIO 1.4 §2.7 and VIRTIO 1.4 §2.8. */
export function queueCases(): readonly FunctionCase[] {
  return CASES;
}
