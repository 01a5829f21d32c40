import { DEVICE_NEEDS_RESET } from '@vpmem/virtio';
import { bringUp, bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from '@vpmem/virtio/testing';
import { expect, it } from 'vitest';
import { Entropy } from './entropy.ts';

const ROOM = 0x1_0000;
const bytes = ({ memory }: TestBench, length: number): string => {
  const found = new Uint8Array(length);
  memory.read(ROOM, found);
  return Buffer.from(found).toString('hex');
};

it.each(QUEUE_FORMATS)('fills the room it is given, and gigabytes only in part (%s ring)', (_, features) => {
  const bench = testBench(new Entropy((each) => each.fill(7)), { packed: true });
  const queue = bringUpQueue(bench, { features });
  for (const length of [3, 2 ** 31]) {
    queue.add([{ address: ROOM, length, writable: true }]);
    queue.publish();
    bench.controller.notify(0);
    expect(queue.takeUsed()?.length).toBe(Math.min(length, 4096));
    expect(bytes(bench, 4)).toBe(length === 3 ? '07070700' : '07070707');
  }
});

it('fills nothing that is to be read, and a ring that leads nowhere asks for a reset', () => {
  const bench = testBench(new Entropy());
  const queue = bringUp(bench);
  queue.add([{ address: ROOM, length: 8 }]);
  queue.publish();
  bench.controller.notify(0);
  expect([queue.takeUsed()?.length, bytes(bench, 8)]).toEqual([0, '00'.repeat(8)]);
  queue.offerHead(500);
  queue.publish();
  bench.controller.notify(0);
  expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
});
