import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviceQueue } from './rings/create-device-queue.ts';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import type { DeviceQueue } from './rings/device-queue.ts';
import { EchoDevice } from './testing/echo-device.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC } from './features.ts';
import { bringUpQueue, QUEUE_FORMATS, testBench, tracedMemory, type TracedMemory } from './testing.ts';

const RAM = 0x1000;
const SIZE = 8;
const [DESC, DRIVER, DEVICE] = [0, 0x100, 0x1c0];
const FEATURES = VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;

/** Flags and lengths that mean something, more often than chance would have them. */
const telling = fc.oneof(fc.nat(0xff), fc.constantFrom(0, 1, 2, 3, 4, 0x80, 0x81, 0x82, 0x84, 16, 0xff));
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.array(telling, { minLength: length, maxLength: length }).map((each) => Uint8Array.from(each));

/** A ring that could be sound, but for a byte here and there: descriptors that lead to one another, indexes that are near. */
const plausible = (split: boolean): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.array(fc.tuple(fc.nat(0xfff), fc.nat(64), fc.constantFrom(0, 1, 1, 2, 3, 4, 5), fc.nat(SIZE)), { minLength: 64, maxLength: 64 }), fc.nat(SIZE), fc.array(fc.nat(SIZE - 1), { minLength: SIZE, maxLength: SIZE }), fc.nat(7))
    .map(([descriptors, pending, heads, odd]) => {
      const view = new DataView(new ArrayBuffer(0x400));
      for (const [i, [address, length, flags, next]] of descriptors.entries()) {
        if (i >= SIZE && i < 0x20) continue;
        view.setUint32(16 * i, (flags & 4) === 0 ? address : 0x200 + 16 * (address % 16), true);
        view.setUint32(16 * i + 8, (flags & 4) === 0 ? length : 16 * (length % (SIZE + 2)), true);
        view.setUint16(16 * i + 12, split ? flags : next, true);
        view.setUint16(16 * i + 14, split ? next : flags | (i % 8 === odd ? 0x8000 : 0x80), true);
      }
      if (split) {
        view.setUint16(DRIVER + 2, pending, true);
        heads.forEach((head, i) => view.setUint16(DRIVER + 4 + 2 * i, head, true));
      }
      return new Uint8Array(view.buffer);
    });

/** Pops until nothing more comes, at most so often; returns the number of chains. */
function drain(queue: DeviceQueue, ram: TracedMemory, limit: number): number {
  for (let chains = 0; chains < limit; chains++) {
    ram.trace.length = 0;
    const popped = queue.pop();
    // Index and head; then four fields of each of the ring's and the table's descriptors, of which there are at most twice the size.
    expect(ram.trace.length).toBeLessThanOrEqual(4 + 8 * SIZE);
    for (const { address, length } of ram.trace) expect(address >= 0 && address + length <= RAM).toBe(true);
    if (popped.code !== 'chain') return chains;
    expect(popped.count).toBeLessThanOrEqual(SIZE);
    expect(popped.readableCount).toBeLessThanOrEqual(popped.count);
    popped.gather(ram.memory, new Uint8Array(4));
    queue.push(popped.head, 1);
    queue.needsInterrupt();
    queue.enableNotifications();
  }
  return limit;
}

describe.each(QUEUE_FORMATS)('a %s queue of a driver that means harm', (format, bits) => {
  const content = fc.oneof(bytes(0x400), plausible(format === 'split'));
  const queueOn = (ram: TracedMemory): DeviceQueue => createDeviceQueue(ram.memory, bits | FEATURES, { size: SIZE, desc: DESC, driver: DRIVER, device: DEVICE });

  it('any bytes in ring and tables: no exception, no loop, nothing beyond the RAM', () => {
    fc.assert(
      fc.property(content, (ring) => {
        const ram = tracedMemory(RAM);
        ram.memory.write(0, ring);
        drain(queueOn(ram), ram, 4 * SIZE);
      }),
      { numRuns: 1500 },
    );
  });

  it('bytes that change between any two reads: each is looked at once, and the copy is used', () => {
    fc.assert(
      fc.property(content, fc.array(fc.tuple(fc.nat(0x3ff), telling), { minLength: 1, maxLength: 64 }), (ring, changes) => {
        const ram = tracedMemory(RAM);
        ram.memory.write(0, ring);
        let turn = 0;
        ram.before = ({ kind, address, length }) => {
          if (kind !== 'read') return;
          const [at, value] = changes[turn++ % changes.length] ?? [0, 0];
          // Half of the time what is about to be read, otherwise anything.
          ram.bytes.setUint8(turn % 2 === 0 ? (address + (at % length)) % RAM : at, value);
        };
        drain(queueOn(ram), ram, 4 * SIZE);
      }),
      { numRuns: 1500 },
    );
  });

  it('no field of a descriptor is read twice for one buffer', () => {
    const ram = tracedMemory(RAM);
    const driver = createDriverQueue(ram.memory, bits | VIRTIO_F_INDIRECT_DESC, DESC, SIZE);
    const device = createDeviceQueue(ram.memory, bits | VIRTIO_F_INDIRECT_DESC, { size: SIZE, ...driver.placement });
    driver.add([{ address: 0x400, length: 1 }, { address: 0x400, length: 1 }, { address: 0x500, length: 1, writable: true }]);
    driver.addIndirect([{ address: 0x400, length: 1 }, { address: 0x500, length: 1, writable: true }], 0x600);
    driver.publish();
    for (let i = 0; i < 2; i++) {
      ram.trace.length = 0;
      expect(device.pop()).toMatchObject({ code: 'chain' });
      const fields = ram.trace.filter(({ address }) => address < 16 * SIZE || address >= 0x600).map(({ address }) => address);
      expect(new Set(fields).size).toBe(fields.length);
    }
  });

  it('SPL-13 PKD-08 PKD-D4 a used buffer is complete before the store that shows it, and left alone after', () => {
    const ram = tracedMemory(RAM);
    const driver = createDriverQueue(ram.memory, bits, DESC, SIZE);
    const device = createDeviceQueue(ram.memory, bits, { size: SIZE, ...driver.placement });
    driver.add([{ address: 0x400, length: 4, writable: true }]);
    driver.publish();
    const popped = device.pop();
    ram.trace.length = 0;
    device.push(popped.code === 'chain' ? popped.head : -1, 4);
    const written = ram.trace.filter(({ kind }) => kind === 'write').map(({ address }) => address);
    // Id and length, then the index; length and id, then the flags.
    const { device: used } = driver.placement;
    expect(written.slice(0, 2).sort((a, b) => a - b)).toEqual(format === 'split' ? [used + 4, used + 8] : [8, 12]);
    expect(written.slice(2)).toEqual([format === 'split' ? used + 2 : 14]);
    ram.trace.length = 0;
    device.needsInterrupt();
    device.enableNotifications();
    expect(ram.trace.filter(({ kind, address }) => kind === 'write' && address < used)).toEqual([]);
  });

  it('SPL-07 PKD-06 RST-03 SUSP-10 reads no memory that is described as its to write, and none at all when it has no driver', () => {
    const device = new EchoDevice();
    const ram = tracedMemory(0x1_0000);
    const bench = testBench(device, { packed: true, suspend: true });
    Object.defineProperty(bench.transport, 'memory', { value: ram.memory });
    const queue = bringUpQueue({ ...bench, memory: ram.memory }, { features: bits | (1n << 43n) });
    queue.add([{ address: 0x8000, length: 4 }, { address: 0x9000, length: 4, writable: true }]);
    queue.publish();
    ram.trace.length = 0;
    bench.controller.notify(0);
    expect(queue.takeUsed()).toBeDefined();
    expect(ram.trace.filter(({ address }) => address >= 0x9000)).toEqual([]);
    for (const status of [0x1f, 0]) {
      bench.controller.status = status;
      ram.trace.length = 0;
      bench.controller.notify(0);
      expect(ram.trace).toEqual([]);
    }
  });

  it('any bytes under a device in service: it goes on, or asks for a reset, and a new driver is served', () => {
    fc.assert(
      fc.property(content, fc.boolean(), fc.array(fc.constantFrom('kick', 'scribble'), { maxLength: 8 }), (ring, inOrder, steps) => {
        const device = new EchoDevice();
        const bench = testBench(device, { packed: true, inOrder: true }, RAM);
        const features = bits | FEATURES | (inOrder ? VIRTIO_F_IN_ORDER : 0n);
        const broken = bringUpQueue(bench, { features, base: DESC });
        bench.memory.write(broken.placement.desc, ring);
        for (const [i, step] of steps.entries()) {
          if (step === 'kick') bench.controller.notify(0);
          else bench.memory.write(broken.placement.desc + i, ring.subarray(i));
          for (const callback of bench.transport.deferred.splice(0)) callback();
        }
        expect(bench.transport.errors.length).toBeLessThanOrEqual(1);
        const queue = bringUpQueue(bench, { features: bits, base: 0x800 });
        const head = queue.add([{ address: 0, length: 1 }]);
        queue.publish();
        bench.controller.notify(0);
        expect(queue.takeUsed()?.head).toBe(head);
      }),
      { numRuns: 300 },
    );
  });
});
