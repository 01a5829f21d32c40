import { beforeEach, describe, expect, it } from 'vitest';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import type { DeviceRequest } from './device-request.ts';
import { DEVICE_NEEDS_RESET } from './device-status.ts';
import type { DriverVirtqueue, Element } from './driver/driver-virtqueue.ts';
import { VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_RESET } from './features.ts';
import { RequestDevice } from './request-device.ts';
import { bringUp, bringUpQueue, lateRam, QUEUE_FORMATS, testBench, type TestBench } from './testing.ts';

/** Answers each request with what it read, in capitals: at once if the first letter is a, else when it is told. */
class Shout extends RequestDevice {
  readonly deviceId = 99;
  readonly queueSizes = [8];
  readonly waiting: (() => void)[] = [];
  /** Where the answer goes. */
  at = 0;
  seen: { readable: number; writable: number; room: boolean }[] = [];

  protected answer(request: DeviceRequest): void | Promise<void> {
    const word = Buffer.from(request.read(request.readable) ?? Buffer.from('?'));
    if (word.toString() === 'crash') throw new Error('out of order');
    const finish = (): void => {
      const room = request.write(Buffer.from(word.toString().toUpperCase()), this.at);
      this.seen.push({ readable: request.readable, writable: request.writable, room });
    };
    if (word[0] === 0x61) return finish();
    return new Promise<void>((resolve, reject) => this.waiting.push(word.toString() === 'fail' ? () => reject(new Error('no disk')) : resolve)).then(finish);
  }
}

const [REQUEST, RESPONSE] = [0x8000, 0x9000];
const turn = (): Promise<void> => new Promise(setImmediate);

describe.each(QUEUE_FORMATS)('a device that answers requests, with a %s queue', (_, bits) => {
  let device: Shout;
  let bench: TestBench;
  let queue: DriverVirtqueue;
  beforeEach(() => {
    device = new Shout();
    bench = testBench(device, { packed: true });
    queue = bringUpQueue(bench, { features: bits | VIRTIO_F_RING_RESET | VIRTIO_F_INDIRECT_DESC });
  });

  const kick = (...elements: Element[]): number | undefined => {
    const head = queue.add(elements);
    queue.publish();
    bench.controller.notify(0);
    return head;
  };
  /** Of a word cut into letters, with an answer cut in two. */
  const say = (word: string, room = word.length): number | undefined => {
    bench.memory.write(REQUEST, Buffer.from(word));
    bench.memory.write(RESPONSE, Buffer.alloc(16));
    const letters = Array.from({ length: word.length }, (_letter, i) => ({ address: REQUEST + i, length: 1 }));
    return kick(...letters, { address: RESPONSE, length: 1, writable: true }, { address: RESPONSE + 1, length: room - 1, writable: true });
  };
  const answer = (): string => {
    const bytes = Buffer.alloc(16);
    bench.memory.read(RESPONSE, bytes);
    return bytes.toString().replaceAll('\0', '.').replace(/\.*$/, '');
  };
  const needsReset = (): boolean => (bench.controller.status & DEVICE_NEEDS_RESET) !== 0;
  const reset = (): boolean => {
    bench.controller.status = 0;
    return bench.controller.status === 0;
  };

  it('has no configuration and no shared memory unless it says so', () => {
    expect([bench.controller.configSize, bench.controller.config.read(0, 4), device.features]).toEqual([0, 0, 0n]);
  });

  it('gives each buffer back with the bytes that were written, and notifies once for a batch', () => {
    const head = say('abc', 6);
    expect([queue.takeUsed(), answer()]).toEqual([{ head, length: 3 }, 'ABC']);
    queue.add([{ address: REQUEST, length: 1 }]);
    say('ab');
    expect([queue.takeUsed()?.length, queue.takeUsed()?.length, bench.transport.queueInterrupts]).toEqual([0, 2, [0, 0]]);
  });

  it('answers later in the order in which it is done', async () => {
    const [first, second] = [say('xy'), say('zw')];
    expect(queue.takeUsed()).toBeUndefined();
    device.waiting[1]!();
    await turn();
    expect(queue.takeUsed()).toEqual({ head: second, length: 2 });
    device.waiting[0]!();
    await turn();
    expect([queue.takeUsed(), bench.transport.queueInterrupts]).toEqual([{ head: first, length: 2 }, [0, 0]]);
  });

  it('tells of no byte behind a gap', () => {
    device.at = 2;
    say('abc', 5);
    expect([queue.takeUsed()?.length, answer()]).toEqual([0, '..ABC']);
  });

  it('a reset waits for what was begun, which then reaches nobody', async () => {
    say('xy');
    expect(reset()).toBe(false);
    device.waiting[0]!();
    await turn();
    expect([bench.controller.status, answer(), device.seen]).toEqual([0, '', [{ readable: 2, writable: 2, room: false }]]);
    queue = bringUpQueue(bench, { features: bits });
    const head = say('abc');
    expect(queue.takeUsed()).toEqual({ head, length: 3 });
  });

  it('one whose machine has gone leaves nothing to the next', async () => {
    say('xy');
    bench.controller.powerOn();
    queue = bringUpQueue(bench, { features: bits });
    say('zw');
    device.waiting[0]!();
    await turn();
    expect([queue.takeUsed(), answer()]).toEqual([undefined, '']);
    device.waiting[1]!();
    await turn();
    expect([queue.takeUsed()?.length, answer()]).toEqual([2, 'ZW']);
  });

  it('a reset of the queue alone waits too, and it serves again', async () => {
    say('xy');
    bench.controller.resetQueue(0);
    expect(bench.controller.queue(0)?.resetting).toBe(true);
    device.waiting[0]!();
    await turn();
    expect([bench.controller.queue(0)?.resetting, answer()]).toEqual([false, '']);
    queue = createDriverQueue(bench.memory, bits, 0x4000, 4);
    Object.assign(bench.controller.queue(0)!, { size: 4, desc: BigInt(queue.placement.desc), driver: BigInt(queue.placement.driver), device: BigInt(queue.placement.device) });
    bench.controller.enableQueue(0);
    const head = say('ab', 2);
    expect(queue.takeUsed()).toEqual({ head, length: 2 });
  });

  it.each(['crash', 'fail'])('an exception is its own failure: the driver is asked for a reset (%s)', async (word) => {
    say(word);
    for (const go of device.waiting) go();
    await turn();
    expect([needsReset(), queue.takeUsed(), bench.transport.errors]).toEqual([true, undefined, [{ code: 'device-failed', detail: word === 'fail' ? 'no disk' : 'out of order' }]]);
    expect(reset()).toBe(true);
  });

  it('a buffer to read where one to write is wanted, and one of no bytes, have no room', () => {
    bench.memory.write(REQUEST, Buffer.from('ab'));
    const heads = [kick({ address: REQUEST, length: 1 }, { address: RESPONSE, length: 4 }), kick({ address: REQUEST, length: 1 }, { address: RESPONSE, length: 0, writable: true })];
    expect([queue.takeUsed(), queue.takeUsed(), needsReset()]).toEqual([{ head: heads[0], length: 0 }, { head: heads[1], length: 0 }, false]);
    expect(device.seen).toEqual([{ readable: 5, writable: 0, room: false }, { readable: 1, writable: 0, room: false }]);
  });

  it('a request that is not in RAM cannot be read, an answer that is not asks for a reset', async () => {
    kick({ address: 2 ** 40, length: 3 }, { address: RESPONSE, length: 4, writable: true });
    device.waiting[0]!();
    await turn();
    expect([queue.takeUsed()?.length, answer(), needsReset()]).toEqual([1, '?', false]);
    bench.memory.write(REQUEST, Buffer.from('a'));
    kick({ address: REQUEST, length: 1 }, { address: 2 ** 40, length: 4, writable: true });
    expect([needsReset(), queue.takeUsed(), bench.transport.errors.map(({ code }) => code)]).toEqual([true, undefined, ['response-unmapped']]);
  });

  it('an answer in RAM that is kept from the device is not left out: the driver is asked for a reset', () => {
    const ram = lateRam(bench, 0x4000_0000, 0x1000);
    ram.hide();
    bench.memory.write(REQUEST, Buffer.from('a'));
    kick({ address: REQUEST, length: 1 }, { address: 0x4000_0000, length: 4, writable: true });
    expect([needsReset(), queue.takeUsed(), bench.transport.unreached.length]).toEqual([true, undefined, 1]);
  });

  it('an indirect table that is kept from the device asks for a reset', () => {
    const ram = lateRam(bench, 0x4000_0000, 0x1000);
    queue.addIndirect([{ address: REQUEST, length: 1 }, { address: RESPONSE, length: 4, writable: true }], 0x4000_0000);
    ram.hide();
    queue.publish();
    bench.controller.notify(0);
    expect([needsReset(), queue.takeUsed()]).toEqual([true, undefined]);
  });
});

it('an index out of the ring asks for a reset, and is not handed to the device', () => {
  const device = new Shout();
  const bench = testBench(device);
  const queue = bringUp(bench);
  queue.offerHead(500);
  queue.publish();
  bench.controller.notify(0);
  expect([bench.controller.status & DEVICE_NEEDS_RESET, device.seen]).toEqual([DEVICE_NEEDS_RESET, []]);
});
