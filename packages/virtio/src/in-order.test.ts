import { beforeEach, describe, expect, it } from 'vitest';
import { createDeviceQueue } from './rings/create-device-queue.ts';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import type { DriverVirtqueue } from './driver/driver-virtqueue.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC } from './features.ts';
import { bringUp, bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from './testing.ts';

let device: EchoDevice;
let bench: TestBench;
let queue: DriverVirtqueue;

describe.each(QUEUE_FORMATS)('IN_ORDER with a %s queue', (_, bits) => {
  beforeEach(() => {
    device = new EchoDevice();
    device.hold = true;
    bench = testBench(device, { packed: true, inOrder: true });
    queue = bringUpQueue(bench, { features: bits | VIRTIO_F_IN_ORDER });
  });
  const addThree = (): (number | undefined)[] => {
    const heads = [1, 2, 3].map((length) => queue.add([{ address: 0, length }, { address: 0, length, writable: true }].slice(-(length % 2) - 1)));
    queue.publish();
    bench.controller.notify(0);
    return heads;
  };

  it('RFB-18 a buffer finished early is given back after those before it', () => {
    for (let lap = 0; lap < 5; lap++) {
      const heads = addThree();
      const interrupts = bench.transport.queueInterrupts.length;
      device.complete(heads[2], 3);
      device.complete(heads[1], 2);
      expect([queue.takeUsed(), bench.transport.queueInterrupts.length]).toEqual([undefined, interrupts]);
      device.complete(heads[0], 1);
      expect([queue.takeUsed(), queue.takeUsed(), queue.takeUsed(), queue.takeUsed()]).toEqual([
        { head: heads[0], length: 1 },
        { head: heads[1], length: 2 },
        { head: heads[2], length: 3 },
        undefined,
      ]);
      expect(bench.transport.queueInterrupts.length).toBe(interrupts + 1);
    }
  });

  it('SPL-D5 SPL-D6 PKD-D8 a driver takes one report of the last buffer as the end of all before it', () => {
    const features = bits | VIRTIO_F_IN_ORDER;
    // A device that reports batches: the ring without what orders it, told of the last buffer only, and stepping over the rest.
    const driver = createDriverQueue(bench.memory, features, 0x6000, 8);
    const ring = createDeviceQueue(bench.memory, bits, { size: 8, ...driver.placement });
    const heads = [5, 6, 7].map((length) => driver.add([{ address: 0, length, writable: true }]));
    driver.publish();
    const popped = heads.map(() => ring.pop());
    expect(popped.map(({ code }) => code)).toEqual(['chain', 'chain', 'chain']);
    ring.push(heads[2] ?? -1, 1);
    if (bits === 0n) bench.memory.write(driver.placement.device + 2, Uint8Array.of(3));
    expect([driver.takeUsed(), driver.takeUsed(), driver.takeUsed(), driver.takeUsed()]).toEqual([
      { head: heads[0], length: 5 },
      { head: heads[1], length: 6 },
      { head: heads[2], length: 1 },
      undefined,
    ]);
  });
});

it('SPL-11 SIND-05 the driver\'s chains take one descriptor after the other, round the end of the table', () => {
  device = new EchoDevice();
  bench = testBench(device, { inOrder: true });
  const split = bringUp(bench, { features: VIRTIO_F_IN_ORDER | VIRTIO_F_INDIRECT_DESC });
  const nexts: number[] = [];
  for (let i = 0; i < 5; i++) {
    const head = split.add([1, 2, 3].map((length) => ({ address: 0, length }))) ?? -1;
    split.publish();
    for (const slot of [head, (head + 1) % 8]) {
      const next = new Uint8Array(2);
      bench.memory.read(split.placement.desc + 16 * slot + 14, next);
      nexts.push((next[0] ?? 0) - slot);
    }
    bench.controller.notify(0);
    split.takeUsed();
  }
  expect(new Set(nexts)).toEqual(new Set([1, -7]));
  split.addIndirect([1, 2, 3].map((length) => ({ address: 0, length })), 0x7000);
  const table = new Uint8Array(48);
  bench.memory.read(0x7000, table);
  expect([table[14], table[30]]).toEqual([1, 2]);
});

it('a buffer offered again while it is in flight is the driver\'s mistake', () => {
  device = new EchoDevice();
  device.hold = true;
  bench = testBench(device, { inOrder: true });
  const split = bringUp(bench, { features: VIRTIO_F_IN_ORDER });
  split.writeDescriptor(0, { addr: 0, len: 1, flags: 0, next: 0 });
  for (let i = 0; i < 2; i++) {
    split.offerHead(0);
    split.publish();
    bench.controller.notify(0);
  }
  expect(bench.transport.errors).toMatchObject([{ code: 'buffer-in-flight' }]);
});
