import { beforeEach, describe, expect, it } from 'vitest';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FEATURES_OK } from './device-status.ts';
import type { DriverVirtqueue } from './driver/driver-virtqueue.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_RING_RESET, VIRTIO_F_VERSION_1 } from './features.ts';
import { QUEUE_FORMATS, testBench, type TestBench } from './testing.ts';

const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;
const BASE = 0x1000;

let device: EchoDevice;
let bench: TestBench;
let queue: DriverVirtqueue;

// VIRTIO 1.4 §3.1.1 has queues set up before DRIVER_OK; a driver that does it later would wait for ever, so it is served.
describe.each(QUEUE_FORMATS)('a %s queue that is enabled after DRIVER_OK', (_, bits) => {
  const features = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET | bits;
  const negotiate = (): void => {
    for (const status of [0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER]) bench.controller.status = status;
    bench.controller.accepted = features;
    bench.controller.status = READY;
  };
  const enable = (base = BASE): void => {
    const { desc, driver, device: used } = queue.placement;
    Object.assign(bench.controller.queue(0)!, { desc: BigInt(desc - BASE + base), driver: BigInt(driver), device: BigInt(used) });
    bench.controller.enableQueue(0);
  };
  const offer = (): number | undefined => {
    const head = queue.add([{ address: 0, length: 4 }]);
    queue.publish();
    return head;
  };
  const expectServed = (head: number | undefined): void => expect(queue.takeUsed()).toEqual({ head, length: 0 });

  beforeEach(() => {
    device = new EchoDevice();
    bench = testBench(device, { packed: true });
    negotiate();
    bench.controller.status = READY | DRIVER_OK;
    queue = createDriverQueue(bench.memory, features, BASE, 8);
  });

  it('is served from the next notification on, and not looked at before', () => {
    const first = offer();
    enable();
    expect([bench.controller.queue(0)?.enabled, queue.takeUsed(), device.actions]).toEqual([true, undefined, ['activate']]);
    bench.controller.notify(0);
    expectServed(first);
    for (let i = 0; i < 20; i++) {
      const head = offer();
      bench.controller.notify(0);
      expectServed(head);
    }
    expect([bench.transport.queueInterrupts.length, bench.transport.errors, bench.controller.status]).toEqual([21, [], READY | DRIVER_OK]);
  });

  it('is served at once if a notification came before, which counts once', () => {
    const head = offer();
    bench.controller.notify(0);
    bench.controller.notify(0);
    enable();
    expectServed(head);
    expect([device.actions, bench.transport.queueInterrupts]).toEqual([['activate', 'notified 0'], [0]]);
    bench.controller.resetQueue(0);
    queue = createDriverQueue(bench.memory, features, BASE, 8);
    offer();
    enable();
    expect(queue.takeUsed()).toBeUndefined();
  });

  it('and reset, before or after that, is served when it is enabled again', () => {
    for (let i = 0; i < 3; i++) {
      bench.controller.resetQueue(0);
      queue = createDriverQueue(bench.memory, features, BASE, 8);
      enable();
      const head = offer();
      bench.controller.notify(0);
      expectServed(head);
    }
  });

  it('where no RAM is ends in DEVICE_NEEDS_RESET and a configuration change notification', () => {
    enable(2 ** 40);
    expect([bench.controller.status, bench.transport.configInterrupts]).toEqual([READY | DRIVER_OK | DEVICE_NEEDS_RESET, 1]);
    enable();
    bench.controller.notify(0);
    expect(device.actions).toEqual(['activate']);
  });

  it('takes nothing while the device is suspended, and what was left on resuming', () => {
    bench = testBench(device, { packed: true, suspend: true });
    bench.controller.status = 0;
    for (const status of [ACKNOWLEDGE, ACKNOWLEDGE | DRIVER]) bench.controller.status = status;
    bench.controller.accepted = features | (1n << 43n);
    bench.controller.status = READY;
    bench.controller.status = READY | DRIVER_OK;
    queue = createDriverQueue(bench.memory, features, BASE, 8);
    enable();
    bench.controller.status = READY | DRIVER_OK | 16;
    const head = offer();
    bench.controller.notify(0);
    expect([bench.controller.suspended, queue.takeUsed()]).toEqual([true, undefined]);
    bench.controller.status = READY | DRIVER_OK;
    expectServed(head);
  });

  it('before it, a notification that comes before DRIVER_OK is heeded then, unless a reset came between', () => {
    for (const reset of [false, true]) {
      negotiate();
      queue = createDriverQueue(bench.memory, features, BASE, 8);
      if (reset) {
        bench.controller.notify(0);
        negotiate();
      }
      enable();
      const head = offer();
      if (!reset) bench.controller.notify(0);
      expect(queue.takeUsed()).toBeUndefined();
      bench.controller.status = READY | DRIVER_OK;
      if (reset) expect(queue.takeUsed()).toBeUndefined();
      else expectServed(head);
    }
  });
});
