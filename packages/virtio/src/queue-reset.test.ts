import { beforeEach, describe, expect, it } from 'vitest';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import { DEVICE_NEEDS_RESET } from './device-status.ts';
import type { DriverVirtqueue } from './driver/driver-virtqueue.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_RING_RESET } from './features.ts';
import { bringUp, bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from './testing.ts';

let device: EchoDevice;
let bench: TestBench;
let queue: DriverVirtqueue;

describe.each(QUEUE_FORMATS)('reset of one %s queue', (_, bits) => {
  const features = bits | VIRTIO_F_RING_RESET;
  beforeEach(() => {
    device = new EchoDevice();
    bench = testBench(device, { packed: true });
    queue = bringUpQueue(bench, { features });
  });

  const kick = (): void => {
    queue.add([{ address: 0, length: 4 }]);
    queue.publish();
    bench.controller.notify(0);
  };
  const enableAgain = (base: number, size: number): void => {
    const registers = bench.controller.queue(0)!;
    queue = createDriverQueue(bench.memory, features, base, size);
    Object.assign(registers, { size, desc: BigInt(base), driver: BigInt(queue.placement.driver), device: BigInt(queue.placement.device) });
    bench.controller.enableQueue(0);
  };

  it('VQR-01 VQR-02 PCOM-12 AMB-22 waits for what is in flight, then answers nothing and takes nothing', () => {
    device.hold = true;
    kick();
    bench.controller.resetQueue(0);
    expect([bench.controller.queue(0)?.resetting, bench.controller.queueConfigurable(0)]).toEqual([true, false]);
    device.complete(device.held[0]);
    device.finish();
    kick();
    expect([queue.takeUsed(), bench.transport.queueInterrupts, device.held, bench.transport.queueResets]).toEqual([undefined, [], [], [0]]);
  });

  it('VQR-03 PCOM-13 leaves everything of the queue as it was at first, and the other queues alone', () => {
    const before = { ...bench.controller.queue(1) };
    bench.controller.resetQueue(0);
    expect(bench.controller.queue(0)).toMatchObject({ size: 8, desc: 0n, driver: 0n, device: 0n, enabled: false, resetting: false });
    expect([bench.controller.queue(1), device.actions.at(-1)]).toEqual([before, 'reset 0']);
  });

  it('VQR-06 enabled again, elsewhere and smaller, it serves from the first entry on', () => {
    kick();
    bench.controller.resetQueue(0);
    enableAgain(0x4000, 4);
    for (let i = 0; i < 6; i++) {
      kick();
      expect(queue.takeUsed()).toMatchObject({ length: 0 });
    }
    expect(bench.transport.queueInterrupts).toHaveLength(7);
  });

  it('a reset of the whole device overtakes it', () => {
    device.hold = true;
    kick();
    bench.controller.resetQueue(0);
    bench.controller.powerOn();
    device.finish();
    expect([bench.transport.queueResets, bench.controller.queue(0)?.resetting, bench.controller.status]).toEqual([[], false, 0]);
  });

  it('does not help a device that asked for a whole reset', () => {
    const broken = bringUp(testBenchOf(), { features: VIRTIO_F_RING_RESET });
    broken.offerHead(500);
    broken.publish();
    bench.controller.notify(0);
    expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
    bench.controller.resetQueue(0);
    const actions = device.actions.length;
    enableAgain(0x4000, 4);
    kick();
    expect(device.actions).toHaveLength(actions);
  });

  function testBenchOf(): TestBench {
    device = new EchoDevice();
    bench = testBench(device);
    return bench;
  }
});

it('RING_RESET is not offered by a device that cannot, and without it nothing is reset', () => {
  device = new EchoDevice();
  expect(testBench(device).controller.offered & VIRTIO_F_RING_RESET).toBe(VIRTIO_F_RING_RESET);
  expect(testBench(device, { queueReset: false }).controller.offered & VIRTIO_F_RING_RESET).toBe(0n);
  expect(testBench(Object.assign(new EchoDevice(), { resetQueue: undefined })).controller.offered & VIRTIO_F_RING_RESET).toBe(0n);
  bench = testBench(device);
  bringUp(bench);
  bench.controller.resetQueue(0);
  expect(bench.controller.queue(0)?.enabled).toBe(true);
});
