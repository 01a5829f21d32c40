import { GuestMemoryFault } from '@vpmem/guest-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import { DEVICE_NEEDS_RESET, SUSPEND } from './device-status.ts';
import type { DriverVirtqueue } from './driver/driver-virtqueue.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_RESET, VIRTIO_F_SUSPEND } from './features.ts';
import { bringUpQueue, lateRam, QUEUE_FORMATS, RecordingTransport, testBench, tracedMemory, type TestBench } from './testing.ts';
import { VirtioController } from './virtio-controller.ts';

const RUNNING = 15;
const RING = 0x20_0000;

let device: EchoDevice;
let bench: TestBench;
let queue: DriverVirtqueue;

/** Makes a buffer available; whether the driver has to notify. */
const offer = (): boolean => {
  if (queue.add([{ address: 0, length: 4 }]) === undefined) throw new Error('the ring is full');
  return queue.publish();
};
/** How many buffers came back. */
const taken = (): number => {
  for (let count = 0; ; count++) if (queue.takeUsed() === undefined) return count;
};
const look = (): number => {
  bench.controller.look();
  return taken();
};

const FORMATS = QUEUE_FORMATS.flatMap(([format, bits]) => [[format, bits] as const, [`${format}, EVENT_IDX`, bits | VIRTIO_F_EVENT_IDX] as const]);

describe.each(FORMATS)('a polled queue: %s', (name, bits) => {
  const features = bits | VIRTIO_F_RING_RESET | VIRTIO_F_SUSPEND;
  beforeEach(() => {
    device = new EchoDevice();
    bench = testBench(device, { packed: true, suspend: true });
    queue = bringUpQueue(bench, { features });
    expect(offer()).toBe(true);
    bench.controller.notify(0);
    taken();
    bench.controller.poll();
  });

  it('is not notified of, but for once in 65,536 buffers of a split one with EVENT_IDX, and is again after it rests', () => {
    let sent = 0;
    for (let i = 0; i < 2 ** 16 + 100; i++) {
      if (offer()) sent++;
      if (look() !== 1) throw new Error(`buffer ${i} is not seen`);
    }
    expect(sent).toBe(name === 'split, EVENT_IDX' ? 1 : 0);
    expect([bench.controller.rest(), offer(), offer()]).toEqual(['rested', true, !name.endsWith('EVENT_IDX')]);
  });

  it('changes between the one and the other wherever the indexes are, also where they begin anew', () => {
    // Those of a packed ring do every eight buffers.
    for (let i = 1; i < (name.startsWith('split') ? 2 ** 16 - 8 : 8); i++) {
      offer();
      look();
    }
    for (let i = 0; i < 16; i++) {
      expect([bench.controller.rest(), offer()]).toEqual(['rested', true]);
      bench.controller.notify(0);
      expect(taken()).toBe(1);
      bench.controller.poll();
      expect([offer(), bench.controller.available, look(), bench.controller.available]).toEqual([false, true, 1, false]);
    }
  });

  it('serves what came between the last look and the rest, and then wants to be told', () => {
    expect(look()).toBe(0);
    expect([offer(), bench.controller.rest(), taken(), offer(), bench.controller.available]).toEqual([false, 'found', 1, true, false]);
  });

  it('rests later if its ring is not there, and goes on when it is there again', () => {
    const late = lateRam(bench, RING, 0x1000);
    queue = bringUpQueue(bench, { features, base: RING });
    bench.controller.poll();
    offer();
    late.hide();
    expect([bench.controller.available, bench.controller.rest(), bench.controller.rest()]).toEqual([false, 'later', 'later']);
    bench.controller.look();
    late.share();
    expect([bench.controller.available, bench.controller.rest(), taken(), offer()]).toEqual([true, 'found', 1, true]);
    expect(bench.controller.rest()).toBe('rested');
  });

  it('that begins to be polled while its ring is not there is looked at when it is, notified of or not', () => {
    const late = lateRam(bench, RING, 0x1000);
    queue = bringUpQueue(bench, { features, base: RING });
    late.hide();
    bench.controller.poll();
    late.share();
    offer();
    expect([look(), bench.controller.rest(), offer()]).toEqual([1, 'rested', true]);
  });

  it.each([
    ['looked for', () => bench.controller.look()],
    ['rested', () => bench.controller.rest()],
    ['neither', () => undefined],
  ])('that is suspended takes nothing, %s meanwhile, and after resuming loses nothing', (_, meanwhile) => {
    bench.controller.status = RUNNING | SUSPEND;
    bench.controller.poll();
    offer();
    expect(bench.controller.available).toBe(false);
    meanwhile();
    expect(taken()).toBe(0);
    bench.controller.status = RUNNING;
    expect(taken()).toBe(1);
    if (offer()) bench.controller.notify(0);
    else bench.controller.look();
    expect([taken(), bench.controller.rest(), offer()]).toEqual([1, 'rested', true]);
  });

  it('that is reset is looked at no more', () => {
    offer();
    bench.controller.resetQueue(0);
    expect([bench.controller.available, bench.controller.rest()]).toEqual([false, 'rested']);
  });

  it.each([true, false])('that is reset and enabled anew is told of until it is polled again (rested between: %s)', (rested) => {
    bench.controller.resetQueue(0);
    if (rested) bench.controller.rest();
    enableAgain(features);
    expect([offer(), bench.controller.available, bench.controller.rest()]).toEqual([true, false, 'rested']);
    bench.controller.notify(0);
    expect([taken(), offer()]).toEqual([1, true]);
    bench.controller.poll();
    expect([look(), offer(), look(), bench.controller.rest(), offer()]).toEqual([1, false, 1, 'rested', true]);
  });

  it('of a device that is reset is looked at no more, and the next driver is told to notify', () => {
    offer();
    bench.controller.status = 0;
    expect([bench.controller.available, bench.controller.rest()]).toEqual([false, 'rested']);
    bench.controller.poll();
    bench.controller.look();
    queue = bringUpQueue(bench, { features });
    expect([offer(), bench.controller.rest()]).toEqual([true, 'rested']);
  });

  it('of a device that a driver broke is looked at no more', () => {
    device.hold = true;
    device.queue?.respond([{ address: 2 ** 40, length: 1 }], Uint8Array.of(0));
    expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
    offer();
    bench.controller.poll();
    expect([bench.controller.available, bench.controller.rest()]).toEqual([false, 'rested']);
  });

  it.each<[string, () => unknown]>([
    ['begin', () => bench.controller.poll()],
    ['look', () => bench.controller.look()],
    ['rest', () => bench.controller.rest()],
  ])('whose memory is gone when it is to %s asks for a reset, and rests', (when, act) => {
    const traced = tracedMemory(0x4000);
    const transport = new RecordingTransport(traced.memory);
    bench = { memory: traced.memory, transport, controller: new VirtioController(device, transport, { packed: true, suspend: true }) };
    queue = bringUpQueue(bench, { features });
    if (when !== 'begin') bench.controller.poll();
    traced.before = () => {
      throw new GuestMemoryFault();
    };
    act();
    expect([transport.errors.map(({ code }) => code), bench.controller.status & DEVICE_NEEDS_RESET]).toEqual([['memory-fault'], DEVICE_NEEDS_RESET]);
    expect([bench.controller.available, bench.controller.rest()]).toEqual([false, 'rested']);
  });
});

/** As a driver does that has reset queue 0. */
function enableAgain(features: bigint): void {
  const registers = bench.controller.queue(0);
  if (registers === undefined) throw new Error('there is no queue 0');
  queue = createDriverQueue(bench.memory, features, 0x4000, 4);
  const { desc, driver, device: used } = queue.placement;
  Object.assign(registers, { size: 4, desc: BigInt(desc), driver: BigInt(driver), device: BigInt(used) });
  bench.controller.enableQueue(0);
}
