import { beforeEach, describe, expect, it } from 'vitest';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import { ACKNOWLEDGE, DEVICE_NEEDS_RESET, DRIVER, DRIVER_OK, FAILED, FEATURES_OK } from './device-status.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_VERSION_1 } from './features.ts';
import { bringUp, testBench, type TestBench } from './testing.ts';

let device: EchoDevice;
let bench: TestBench;
beforeEach(() => {
  device = new EchoDevice();
  bench = testBench(device);
});

describe('device status', () => {
  it('STAT-D1 RST-01 is 0 at power-on and after reset', () => {
    expect(bench.controller.status).toBe(0);
    bringUp(bench);
    bench.controller.status = 0;
    expect(bench.controller.status).toBe(0);
  });

  it('takes bits only after their predecessors, and never loses one but by reset', () => {
    const { controller } = bench;
    controller.status = DRIVER;
    expect(controller.status).toBe(0);
    controller.status = ACKNOWLEDGE;
    controller.status = DRIVER_OK;
    expect(controller.status).toBe(ACKNOWLEDGE);
    controller.status = ACKNOWLEDGE | DRIVER;
    controller.status = FAILED;
    expect(controller.status).toBe(ACKNOWLEDGE | DRIVER | FAILED);
  });

  it('a driver cannot set DEVICE_NEEDS_RESET', () => {
    bench.controller.status = DEVICE_NEEDS_RESET | ACKNOWLEDGE;
    expect(bench.controller.status).toBe(ACKNOWLEDGE);
  });
});

describe('features', () => {
  it('FEAT-10 agrees to every valid subset that has VERSION_1', () => {
    for (const extra of [0n, 1n, 1n << 28n, 1n << 29n, (1n << 28n) | (1n << 29n) | 1n]) {
      expect(() => bringUp(bench, { features: extra })).not.toThrow();
    }
  });

  it.each([
    ['without VERSION_1', 1n],
    ['with a bit that was not offered', VIRTIO_F_VERSION_1 | (1n << 34n)],
    ['with a bit beyond 64', VIRTIO_F_VERSION_1 | (1n << 70n)],
  ])('FEAT-11 refuses a set %s', (_, features) => {
    const { controller } = bench;
    controller.status = ACKNOWLEDGE | DRIVER;
    controller.accepted = features;
    controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    expect(controller.status).toBe(ACKNOWLEDGE | DRIVER);
    controller.accepted = VIRTIO_F_VERSION_1;
    controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    expect(controller.status).toBe(ACKNOWLEDGE | DRIVER | FEATURES_OK);
  });

  it.each([0n, 1n, 1n << 29n])('with version1Optional agrees to 0x%s too, and serves; what was not offered stays refused', (features) => {
    bench = testBench(device, { version1Optional: true });
    const { controller, transport } = bench;
    expect(controller.offered & VIRTIO_F_VERSION_1).toBe(VIRTIO_F_VERSION_1);
    for (const [accepted, agreed] of [[features | (1n << 34n), false], [features, true]] as const) {
      controller.status = 0;
      for (const status of [ACKNOWLEDGE, ACKNOWLEDGE | DRIVER]) controller.status = status;
      controller.accepted = accepted;
      controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
      expect((controller.status & FEATURES_OK) !== 0).toBe(agreed);
    }
    const queue = createDriverQueue(bench.memory, features, 0x1000, 8);
    Object.assign(controller.queue(0)!, { desc: 0x1000n, driver: BigInt(queue.placement.driver), device: BigInt(queue.placement.device) });
    controller.enableQueue(0);
    controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
    const head = queue.add([{ address: 0, length: 4 }]);
    queue.publish();
    controller.notify(0);
    expect([queue.takeUsed(), controller.negotiated(VIRTIO_F_VERSION_1), transport.errors]).toEqual([{ head, length: 0 }, false, []]);
  });

  it('FEAT-D2 cannot be renegotiated without a reset', () => {
    bringUp(bench);
    bench.controller.accepted = 0n;
    expect(bench.controller.accepted).toBe(VIRTIO_F_VERSION_1);
  });
});

describe('queues', () => {
  it('STAT-05 no buffer is taken before DRIVER_OK', () => {
    bench.controller.notify(0);
    expect(device.actions).toEqual([]);
  });

  it('a buffer goes to the device and back, with an interrupt', () => {
    const queue = bringUp(bench);
    const head = queue.add([{ address: 0, length: 4 }]);
    queue.publish();
    bench.controller.notify(0);
    expect(queue.takeUsed()).toEqual({ head, length: 0 });
    expect(bench.transport.queueInterrupts).toEqual([0]);
  });

  it('SEVT-23 DNOT-D5 a notification that announces nothing is harmless', () => {
    bringUp(bench);
    bench.controller.notify(0);
    bench.controller.notify(0);
    bench.controller.notify(1);
    bench.controller.notify(77);
    expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(0);
    expect(bench.transport.queueInterrupts).toEqual([]);
  });

  it('registers of an enabled queue no longer take writes', () => {
    bringUp(bench);
    expect(bench.controller.queueConfigurable(0)).toBe(false);
    expect(bench.controller.queueConfigurable(1)).toBe(true);
    expect(bench.controller.queueConfigurable(2)).toBe(false);
  });

  it('STAT-07 a queue outside RAM is an error only a reset clears', () => {
    const { controller, transport } = bench;
    controller.status = ACKNOWLEDGE | DRIVER;
    controller.queue(0)!.desc = 2n ** 63n;
    controller.enableQueue(0);
    expect(controller.status).toBe(ACKNOWLEDGE | DRIVER);
    controller.accepted = VIRTIO_F_VERSION_1;
    controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    controller.enableQueue(0);
    expect(controller.queue(0)!.enabled).toBe(false);
    expect(controller.status).toBe(ACKNOWLEDGE | DRIVER | FEATURES_OK | DEVICE_NEEDS_RESET);
    expect(transport.errors).toMatchObject([{ code: 'unmapped' }]);
    expect(transport.configInterrupts).toBe(0);
    controller.status = 0;
    expect(controller.status).toBe(0);
  });

  it('STAT-07 STAT-08 a broken ring ends in DEVICE_NEEDS_RESET and a configuration change notification', () => {
    const { controller, transport } = bench;
    const queue = bringUp(bench);
    queue.offerHead(500);
    queue.publish();
    controller.notify(0);
    expect(controller.status & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
    expect(transport.configInterrupts).toBe(1);
    device.actions.length = 0;
    controller.notify(0);
    expect(device.actions).toEqual([]);
    // And the device can be used again after a reset.
    const fresh = bringUp(bench);
    fresh.add([{ address: 0, length: 4 }]);
    fresh.publish();
    controller.notify(0);
    expect(fresh.takeUsed()).toBeDefined();
  });

  it('more buffers in flight than the queue has entries are a driver error', () => {
    const queue = bringUp(bench);
    device.hold = true;
    for (let i = 0; i < 9; i++) {
      queue.writeDescriptor(0, { addr: 0, len: 1, flags: 0, next: 0 });
      queue.offerHead(0);
      queue.publish();
      bench.controller.notify(0);
    }
    expect(bench.transport.errors).toMatchObject([{ code: 'too-many-outstanding' }]);
  });

  it('a driver that never stops adding does not keep the others from their turn', () => {
    const queue = bringUp(bench);
    let taken = 0;
    let turns = 0;
    queue.writeDescriptor(0, { addr: 0, len: 1, flags: 0, next: 0 });
    const offer = (): void => {
      queue.offerHead(0);
      queue.publish();
    };
    offer();
    device.queue?.drain(({ head }) => {
      taken++;
      device.queue?.complete(head, 0);
      offer();
    }, () => turns++);
    expect(turns).toBe(1);
    expect(taken).toBeLessThanOrEqual(8);
    expect(bench.transport.deferred).toHaveLength(1);
    bench.transport.deferred[0]?.();
    expect(taken).toBeGreaterThan(8);
    expect(turns).toBe(2);
  });

  it('RAM that goes away under a live queue is the driver\'s error, not ours', () => {
    const queue = bringUp(bench);
    queue.add([{ address: 0, length: 4 }]);
    queue.publish();
    bench.memory.clear();
    bench.controller.notify(0);
    expect(bench.transport.errors).toMatchObject([{ code: 'unmapped' }]);
  });
});

describe('reset', () => {
  it('waits for what is in flight, and answers nothing into the old queue', () => {
    const queue = bringUp(bench);
    device.hold = true;
    queue.add([{ address: 0, length: 4 }]);
    queue.publish();
    bench.controller.notify(0);
    const { resets } = bench.transport;
    bench.controller.status = 0;
    expect(bench.controller.status).not.toBe(0);
    bench.controller.status = ACKNOWLEDGE;
    expect(bench.controller.status & DRIVER_OK).toBe(DRIVER_OK);
    expect(device.queue?.respond([{ address: 0, length: 4 }], Buffer.from('late'))).toBe(false);
    device.queue?.complete(device.held[0]!, 4);
    device.queue?.notify();
    const response = new Uint8Array(4);
    bench.memory.read(0, response);
    expect([...response]).toEqual([0, 0, 0, 0]);
    expect(queue.takeUsed()).toBeUndefined();
    expect(bench.transport.queueInterrupts).toEqual([]);
    device.finish();
    expect(bench.controller.status).toBe(0);
    expect(bench.transport.resets).toBe(resets + 1);
  });

  it('of the platform does not wait, and an older reset that ends later changes nothing', () => {
    bringUp(bench);
    device.hold = true;
    bench.controller.status = 0;
    bench.controller.powerOn();
    expect(bench.controller.status).toBe(0);
    device.hold = false;
    bringUp(bench);
    device.finish();
    expect(bench.controller.status & DRIVER_OK).toBe(DRIVER_OK);
  });

  it('PCOM-08 PCOM-D1 restores the queue registers', () => {
    bringUp(bench, { size: 4 });
    bench.controller.status = 0;
    expect(bench.controller.queue(0)).toMatchObject({ size: 8, enabled: false, desc: 0n, driver: 0n, device: 0n });
  });
});

describe('configuration', () => {
  it('PCOM-06 the generation differs whenever the driver could see a difference', () => {
    const { controller } = bench;
    const before = [controller.configGeneration, controller.config.read(0, 4)];
    bringUp(bench, { features: 1n });
    const after = [controller.configGeneration, controller.config.read(0, 4)];
    expect(after[1]).not.toBe(before[1]);
    expect(after[0]).not.toBe(before[0]);
  });

  it('PCOM-06 does not come round however often the configuration changes between two looks', () => {
    const { controller } = bench;
    controller.config.read(0, 4);
    const generation = controller.configGeneration;
    for (let i = 0; i < 256; i++) controller.configChanged();
    expect(controller.configGeneration).not.toBe(generation);
  });

  it('INIT-D1 a change is announced to a driver that is there', () => {
    bench.controller.configChanged();
    expect(bench.transport.configInterrupts).toBe(0);
    bringUp(bench, { features: VIRTIO_F_EVENT_IDX });
    bench.controller.configChanged();
    expect(bench.transport.configInterrupts).toBe(1);
  });
});
