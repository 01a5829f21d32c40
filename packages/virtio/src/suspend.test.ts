import { beforeEach, describe, expect, it } from 'vitest';
import { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FEATURES_OK, SUSPEND } from './device-status.ts';
import type { DriverVirtqueue } from './driver/driver-virtqueue.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_RING_RESET, VIRTIO_F_SUSPEND } from './features.ts';
import { bringUp, bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from './testing.ts';

const READY = ACKNOWLEDGE | DRIVER | FEATURES_OK;
const RUNNING = READY | DRIVER_OK;
const SUSPENDED = READY | SUSPEND;

let device: EchoDevice;
let bench: TestBench;
let queue: DriverVirtqueue;

const kick = (): void => {
  queue.add([{ address: 0, length: 4 }]);
  queue.publish();
  bench.controller.notify(0);
};
const status = (written?: number): number => {
  if (written !== undefined) bench.controller.status = written;
  return bench.controller.status;
};

describe.each(QUEUE_FORMATS)('suspending, with a %s queue', (_, bits) => {
  beforeEach(() => {
    device = new EchoDevice();
    bench = testBench(device, { packed: true, suspend: true });
    queue = bringUpQueue(bench, { features: bits | VIRTIO_F_SUSPEND | VIRTIO_F_RING_RESET });
  });

  it('SUSP-07 is ignored before DRIVER_OK, and without the feature', () => {
    status(0);
    expect([status(ACKNOWLEDGE | SUSPEND), status(ACKNOWLEDGE | DRIVER | SUSPEND)]).toEqual([ACKNOWLEDGE, ACKNOWLEDGE | DRIVER]);
    bringUpQueue(bench, { features: bits });
    expect(status(RUNNING | SUSPEND)).toBe(RUNNING);
  });

  it('SUSP-14 SUSP-16 shows only when the buffers taken have been given back and announced; no other is taken', () => {
    device.hold = true;
    kick();
    kick();
    expect(status(RUNNING | SUSPEND)).toBe(RUNNING);
    kick();
    expect(device.held).toHaveLength(2);
    device.complete(device.held[1]);
    expect([status(), bench.transport.queueInterrupts]).toEqual([RUNNING, [0]]);
    device.complete(device.held[0]);
    expect([status(), bench.transport.queueInterrupts]).toEqual([SUSPENDED, [0, 0]]);
    expect([queue.takeUsed(), queue.takeUsed(), queue.takeUsed()?.head]).toMatchObject([{ length: 0 }, { length: 0 }, undefined]);
  });

  it('SUSP-09 SUSP-10 SUSP-15 takes nothing while suspended, and all that was left on resuming', () => {
    expect(status(RUNNING | SUSPEND)).toBe(SUSPENDED);
    const actions = device.actions.length;
    kick();
    expect([device.actions.length, queue.takeUsed(), bench.transport.queueInterrupts]).toEqual([actions, undefined, []]);
    expect(status(SUSPENDED | DRIVER_OK)).toBe(RUNNING);
    expect([queue.takeUsed()?.length, bench.transport.queueInterrupts]).toEqual([0, [0]]);
    kick();
    expect(queue.takeUsed()?.length).toBe(0);
  });

  it('SUSP-08 SUSP-11 SUSP-12 SUSP-13 nothing of the configuration changes until the driver resumes, and it then hears of it', () => {
    status(RUNNING | SUSPEND);
    const { controller } = bench;
    const seen = [controller.configGeneration, controller.config.read(0, 4)];
    controller.config.write(0, 4, 7);
    device.setting = 9;
    controller.configChanged();
    controller.resetQueue(0);
    controller.enableQueue(1);
    expect([controller.configGeneration, controller.config.read(0, 4), bench.transport.configInterrupts]).toEqual([...seen, 0]);
    expect([controller.queue(0)?.enabled, controller.queue(1)?.enabled, controller.queueConfigurable(1)]).toEqual([true, false, false]);
    status(SUSPENDED | DRIVER_OK);
    expect([controller.config.read(0, 1), bench.transport.configInterrupts]).toEqual([9, 1]);
    expect(controller.configGeneration).not.toBe(seen[0]);
  });

  it('can be repeated, and is over with a reset', () => {
    for (let i = 0; i < 3; i++) {
      expect(status(RUNNING | SUSPEND)).toBe(SUSPENDED);
      expect(status(SUSPENDED)).toBe(SUSPENDED);
      expect(status(SUSPENDED | DRIVER_OK)).toBe(RUNNING);
    }
    expect(status(RUNNING | SUSPEND)).toBe(SUSPENDED);
    expect(status(0)).toBe(0);
    queue = bringUpQueue(bench, { features: bits });
    kick();
    expect(queue.takeUsed()).toBeDefined();
  });

  it('waits for a queue that is being reset', () => {
    device.hold = true;
    kick();
    bench.controller.resetQueue(0);
    expect(status(RUNNING | SUSPEND)).toBe(RUNNING);
    device.finish();
    expect(status()).toBe(SUSPENDED);
  });
});

it('SUSP-14 a device that breaks while it suspends asks for a reset instead', () => {
  device = new EchoDevice();
  bench = testBench(device, { suspend: true });
  queue = bringUp(bench, { features: VIRTIO_F_SUSPEND });
  device.hold = true;
  kick();
  status(RUNNING | SUSPEND);
  device.queue?.respond([{ address: 2 ** 40, length: 1 }], Uint8Array.of(0));
  expect([status(), status(RUNNING | SUSPEND)]).toEqual([RUNNING | DEVICE_NEEDS_RESET, RUNNING | DEVICE_NEEDS_RESET]);
});
