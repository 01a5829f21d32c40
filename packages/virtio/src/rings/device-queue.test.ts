import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDeviceQueue } from './create-device-queue.ts';
import { createDriverQueue } from '../driver/create-driver-queue.ts';
import type { DescriptorChain } from './descriptor-chain.ts';
import type { DeviceQueue, QueueError } from './device-queue.ts';
import type { DriverVirtqueue, Element } from '../driver/driver-virtqueue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from '../features.ts';
import { PvirtqDesc, PvirtqEventSuppress } from './packed-layout.ts';
import { VirtqUsed } from './split-layout.ts';
import { QUEUE_FORMATS } from '../testing.ts';

const RAM = 0x2_0000;
const TABLE = 0x8000;

let memory: GuestMemory;
let buffer: ArrayBuffer;
let driver: DriverVirtqueue;
let device: DeviceQueue;

function popChain(): DescriptorChain {
  const popped = device.pop();
  if (popped.code !== 'chain') throw new Error(`expected a chain, got ${JSON.stringify(popped)}`);
  return popped;
}
const elements = (chain: DescriptorChain): Element[] =>
  Array.from({ length: chain.count }, (_, i) => ({ address: chain.address(i), length: chain.length(i), writable: i >= chain.readableCount }));

describe.each(QUEUE_FORMATS)('a %s queue', (format, bits) => {
  function setUp(features = VIRTIO_F_INDIRECT_DESC, size = 8): void {
    memory = new GuestMemory();
    buffer = new ArrayBuffer(RAM);
    memory.add({ start: 0, size: RAM, writable: true, backing: bufferBacking(buffer) });
    driver = createDriverQueue(memory, bits | features, 0x1000, size);
    device = createDeviceQueue(memory, bits | features, { size, ...driver.placement });
  }
  beforeEach(() => setUp());

  it('PKD-02 PKD-19 SPL-D9 gives chains in the order they were made available, element by element', () => {
    const first = [{ address: 0x100, length: 4, writable: false }, { address: 0x200, length: 8, writable: true }];
    const second = [{ address: 0x300, length: 1, writable: true }];
    const heads = [driver.add(first), driver.add(second)];
    expect(device.pop()).toEqual({ code: 'empty' });
    driver.publish();
    expect([popChain().head, elements(popChain())]).toEqual([heads[0], second]);
    expect(device.pop()).toEqual({ code: 'empty' });
  });

  it('SPL-D3 PKD-D3 PKD-D4 gives buffers back under their name, with the bytes written', () => {
    const head = driver.add([{ address: 0, length: 4 }, { address: 0, length: 4, writable: true }]);
    driver.publish();
    device.push(popChain().head, 4);
    expect([driver.takeUsed(), driver.takeUsed()]).toEqual([{ head, length: 4 }, undefined]);
  });

  it('SPL-D4 PKD-03 gives buffers back in the order they are finished', () => {
    const heads = [1, 2, 3].map((address) => driver.add([{ address, length: 1, writable: true }]));
    driver.publish();
    const [a, b, c] = [popChain().head, popChain().head, popChain().head];
    for (const head of [c, a, b]) device.push(head, 1);
    expect([driver.takeUsed()?.head, driver.takeUsed()?.head, driver.takeUsed()?.head]).toEqual([heads[2], heads[0], heads[1]]);
  });

  describe.each([1, 2, 4, 7, 8].filter((size) => format === 'packed' || size !== 7))('with %i entries', (size) => {
    it('SPL-D1 SPL-D2 PKD-D1 PKD-D7 goes round and round with any number of entries', () => {
      setUp(undefined, size);
      let sent = 0;
      const rounds = format === 'split' && size === 8 ? 65536 + 100 : 500;
      for (let i = 0; i < rounds; i++) {
        const length = 1 + (i % Math.min(3, size));
        const chain = Array.from({ length }, (_, n) => ({ address: i % 4096, length: n, writable: true }));
        const head = driver.add(chain);
        driver.publish();
        const popped = popChain();
        device.push(head ?? -1, length);
        const used = driver.takeUsed();
        // An `expect` of each takes ten times as long as all else.
        if (popped.count !== length || popped.head !== head || used?.head !== head || used.length !== length) expect([i, popped.count, popped.head, used]).toEqual([i, length, head, { head, length }]);
        sent += length;
      }
      expect(sent).toBeGreaterThanOrEqual(rounds);
    });
  });

  it('is full when its entries are used up, and only then', () => {
    for (let i = 0; i < 4; i++) expect(driver.add([{ address: 0, length: 1 }, { address: 0, length: 1 }])).toBeDefined();
    expect([driver.add([{ address: 0, length: 1 }]), driver.add([])]).toEqual([undefined, undefined]);
    driver.publish();
    device.push(popChain().head, 0);
    expect(driver.takeUsed()).toBeDefined();
    expect(driver.add([{ address: 0, length: 1 }, { address: 0, length: 1 }, { address: 0, length: 1 }])).toBeUndefined();
    expect(driver.add([{ address: 0, length: 1 }, { address: 0, length: 1 }])).toBeDefined();
  });

  it('SPL-06 SPL-09 SPL-D7 PKD-05 PKD-08 PEVT-D3 writes only what is the device\'s', () => {
    driver.add([{ address: 0x100, length: 4 }, { address: 0x200, length: 4, writable: true }]);
    driver.add([{ address: 0x300, length: 4, writable: true }]);
    driver.publish();
    const before = new Uint8Array(buffer.slice(0));
    device.push(popChain().head, 4);
    device.enableNotifications();
    device.needsInterrupt();
    const { desc, device: area } = driver.placement;
    const own = format === 'split' ? VirtqUsed.bytes(8) : PvirtqEventSuppress.size;
    const changed = [...new Uint8Array(buffer)].flatMap((byte, at) => (byte === before[at] ? [] : [at]));
    expect(changed.length).toBeGreaterThan(0);
    // In the ring of descriptors a packed queue has its one used descriptor, address left alone.
    const isUsed = (at: number): boolean => format === 'packed' && at >= desc + 8 && at < desc + PvirtqDesc.size;
    expect(changed.filter((at) => !isUsed(at) && (at < area || at >= area + own))).toEqual([]);
  });

  it('SIND-D1 PIND-D1 follows an indirect table', () => {
    const list = [{ address: 0x300, length: 3, writable: false }, { address: 0x400, length: 4, writable: true }, { address: 0x500, length: 5, writable: true }];
    const head = driver.addIndirect(list, TABLE);
    driver.publish();
    const chain = popChain();
    expect([chain.head, elements(chain)]).toEqual([head, list]);
    device.push(chain.head, 9);
    expect(driver.takeUsed()).toEqual({ head, length: 9 });
  });

  it('refuses an indirect table that was not negotiated', () => {
    device = createDeviceQueue(memory, bits, { size: 8, ...driver.placement });
    driver.addIndirect([{ address: 0, length: 4 }], TABLE);
    driver.publish();
    expect(device.pop()).toMatchObject({ code: 'indirect-not-negotiated' });
  });

  it('refuses a readable element after a writable one', () => {
    driver.add([{ address: 0, length: 4 }, { address: 0, length: 4 }]);
    // The flags of the first descriptor: NEXT and WRITE, and AVAIL in a packed queue.
    if (format === 'split') memory.write(driver.placement.desc + 12, Uint8Array.of(3));
    driver.publish();
    if (format === 'packed') memory.write(driver.placement.desc + 14, Uint8Array.of(0x83));
    expect(device.pop()).toMatchObject({ code: 'readable-after-writable' });
  });

  it('finds the queue again after the address space changed, and reports when it is gone', () => {
    driver.add([{ address: 0, length: 1 }]);
    driver.publish();
    memory.add({ start: 2 ** 32, size: 4096, writable: true });
    expect(popChain().count).toBe(1);
    memory.remove(0, RAM);
    expect(device.pop()).toMatchObject({ code: 'unmapped' });
    device.push(0, 0);
    expect(device.enableNotifications()).toBeUndefined();
    expect(device.needsInterrupt()).toBe(false);
  });

  it.each<[QueueError['code'], Partial<Record<'desc' | 'driver' | 'device', number>>]>([
    ['misaligned', { desc: 8 }],
    ['misaligned', { driver: 1 }],
    ['misaligned', { device: 2 }],
    ['unmapped', { desc: RAM }],
    ['unmapped', { driver: RAM }],
    ['unmapped', { device: RAM }],
  ])('checks where the queue lies: %s %j', (code, where) => {
    expect(createDeviceQueue(memory, bits, { size: 8, desc: 0, driver: 0x1000, device: 0x2000, ...where }).check()).toMatchObject({ code });
  });

  it('SEVT-07 SEVT-08 SEVT-20 PEVT-D1 PEVT-D4 without EVENT_IDX announces by the driver\'s flag', () => {
    for (const wanted of [true, false, true]) {
      driver.setInterrupts(wanted);
      driver.add([{ address: 0, length: 1 }]);
      driver.publish();
      device.push(popChain().head, 0);
      expect([device.needsInterrupt(), device.needsInterrupt()]).toEqual([wanted, false]);
      driver.takeUsed();
    }
  });

  it('says when a buffer came while notifications were being enabled', () => {
    driver.add([{ address: 0, length: 1 }]);
    driver.publish();
    expect(device.enableNotifications()).toBe(true);
    popChain();
    expect(device.enableNotifications()).toBe(false);
  });

  it('SEVT-22 SEVT-17 SEVT-18 PEVT-01 PEVT-D2 with EVENT_IDX the driver kicks only when the device has asked again', () => {
    setUp(VIRTIO_F_EVENT_IDX);
    const add = (): boolean => {
      driver.add([{ address: 0, length: 1 }]);
      return driver.publish();
    };
    expect(add()).toBe(true);
    device.push(popChain().head, 0);
    expect(device.enableNotifications()).toBe(false);
    expect([add(), add()]).toEqual([true, false]);
    device.push(popChain().head, 0);
    expect(device.enableNotifications()).toBe(true);
    device.push(popChain().head, 0);
    expect(device.enableNotifications()).toBe(false);
    expect([add(), add()]).toEqual([true, false]);
  });

  it('SEVT-10 SEVT-11 PEVT-D2 AMB-26 with EVENT_IDX the device announces the buffer the driver waits for, once', () => {
    setUp(VIRTIO_F_EVENT_IDX);
    for (let i = 0; i < 40; i++) {
      for (let n = 0; n < 3; n++) driver.add([{ address: 0, length: 1 }]);
      driver.publish();
      const wanted = [1, 2, 3].map(() => {
        device.push(popChain().head, 0);
        return device.needsInterrupt();
      });
      // The driver waits for the next it has not taken; having been told, it takes all.
      expect(wanted).toEqual([true, false, false]);
      while (driver.takeUsed() !== undefined);
    }
  });

  it('a driver and a device that wait for each other never both sleep', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.constantFrom('add', 'publish', 'serve', 'take'), { maxLength: 200 }), (log2, steps) => {
        const size = format === 'packed' ? log2 + 1 : 2 ** (log2 % 4);
        setUp(VIRTIO_F_EVENT_IDX, size);
        const pending = { kick: false, interrupt: false };
        const exposed: number[] = [];
        const serve = (): void => {
          pending.kick = false;
          for (let more: boolean | undefined = true; more === true; more = device.enableNotifications()) {
            for (let popped = device.pop(); popped.code === 'chain'; popped = device.pop()) device.push(popped.head, 0);
          }
          pending.interrupt = device.needsInterrupt() || pending.interrupt;
        };
        const take = (): void => {
          pending.interrupt = false;
          for (let used = driver.takeUsed(); used !== undefined; used = driver.takeUsed()) expect(used.head).toBe(exposed.shift());
        };
        const publish = (): void => {
          pending.kick = driver.publish() || pending.kick;
        };
        for (const step of steps) {
          if (step === 'add') {
            const head = driver.add(Array.from({ length: 1 + (exposed.length % Math.min(2, size)) }, () => ({ address: 0, length: 1 })));
            if (head !== undefined) exposed.push(head);
          } else if (step === 'publish') publish();
          else if (step === 'serve' && pending.kick) serve();
          else if (step === 'take' && pending.interrupt) take();
        }
        publish();
        while (pending.kick || pending.interrupt) {
          if (pending.kick) serve();
          if (pending.interrupt) take();
        }
        expect(exposed).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

it('a packed queue is told apart from a split one by its feature', () => {
  expect([0n, VIRTIO_F_RING_PACKED].map((bits) => createDeviceQueue(memory, bits, { size: 1, desc: 0, driver: 0, device: 0 }).constructor.name)).toEqual(['SplitQueue', 'PackedQueue']);
});
