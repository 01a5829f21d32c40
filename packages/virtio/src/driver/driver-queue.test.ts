import { beforeEach, describe, expect, it } from 'vitest';
import { createDeviceQueue } from '../rings/create-device-queue.ts';
import { createDriverQueue, driverQueueEnd } from './create-driver-queue.ts';
import type { DeviceQueue } from '../rings/device-queue.ts';
import { DriverQueue } from './driver-queue.ts';
import type { DriverVirtqueue } from './driver-virtqueue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC } from '../features.ts';
import { PvirtqDesc, usedFlags } from '../rings/packed-layout.ts';
import { VirtqDesc } from '../rings/split-layout.ts';
import { QUEUE_FORMATS, tracedMemory, type TracedAccess, type TracedMemory } from '../testing.ts';

const RAM = 0x1_0000;
const SIZE = 8;
const TABLE = 0x8000;
const READ = { address: 0x100, length: 4 };
const WRITE = { address: 0x200, length: 4, writable: true };

let ram: TracedMemory;
let driver: DriverVirtqueue;
let device: DeviceQueue;

const serve = (written = 0): void => {
  for (let popped = device.pop(); popped.code === 'chain'; popped = device.pop()) device.push(popped.head, written);
};
const hex = (address: number, length: number): string => Buffer.from(ram.bytes.buffer, address, length).toString('hex');
const writes = (work: () => unknown): TracedAccess[] => {
  ram.trace.length = 0;
  work();
  return ram.trace.filter(({ kind }) => kind === 'write');
};
const within = ({ address, length }: TracedAccess, start: number, size: number): boolean => address >= start && address + length <= start + size;

describe.each(QUEUE_FORMATS)('the driver of a %s queue', (format, bits) => {
  const split = format === 'split';
  function setUp(features = VIRTIO_F_INDIRECT_DESC, size = SIZE): void {
    ram = tracedMemory(RAM);
    new Uint8Array(ram.bytes.buffer, 0x1000, 0x1000).fill(0xff);
    driver = createDriverQueue(ram.memory, bits | features, 0x1000, size);
    device = createDeviceQueue(ram.memory, bits | features, { size, ...driver.placement });
  }
  beforeEach(() => setUp());

  it('SPL-01 PKD-01 places the parts where their alignment wants them, with room for each', () => {
    for (const size of split ? [1, 2, 8, 256, 32768] : [1, 2, 3, 7, 255, 32768]) {
      const { desc, driver: area, device: other } = split ? DriverQueue.place(0x4000, size) : createDriverQueue(tracedMemory(0x10_0000).memory, bits, 0x4000, size).placement;
      expect([desc % 16, area % (split ? 2 : 4), other % 4]).toEqual([0, 0, 0]);
      expect([area - desc >= 16 * size, other - area >= (split ? 6 + 2 * size : 4), driverQueueEnd(bits, 0x4000, size) - other]).toEqual([true, true, split ? 6 + 8 * size : 4]);
    }
  });

  it('SEVT-12 PMSX-D1 zeroes what it takes over', () => {
    const { desc, driver: area, device: other } = driver.placement;
    for (const [at, length] of [[desc, 16 * SIZE], [area, split ? 6 + 2 * SIZE : 4], [other, split ? 6 + 8 * SIZE : 4]] as const) {
      expect(hex(at, length)).toMatch(/^0+$/);
    }
  });

  it('SPL-20 PKD-18 PKD-23 writes everything of a list before the store that shows it', () => {
    const { desc } = driver.placement;
    const seen = writes(() => {
      driver.add([READ, READ, WRITE]);
      driver.add([WRITE]);
    });
    expect(device.pop()).toEqual({ code: 'empty' });
    // The store is an atomic one: all that came before is visible with it.
    const [last, ...others] = writes(() => driver.publish());
    expect(others).toEqual([]);
    expect(last).toMatchObject(split ? { address: driver.placement.driver + 2, length: 2 } : { address: desc + 14, length: 2 });
    expect(seen.some(({ address }) => address === last?.address)).toBe(false);
    expect(device.pop()).toMatchObject({ code: 'chain', count: 3 });
  });

  it('SPL-21 PEVT-02 looks whether it has to notify only after showing the buffers', () => {
    driver.add([READ]);
    ram.trace.length = 0;
    driver.publish();
    const shown = ram.trace.findIndex(({ kind }) => kind === 'write');
    const { device: area } = driver.placement;
    const looked = ram.trace.findIndex((access) => access.kind === 'read' && access.address >= area);
    expect([shown >= 0, looked > shown]).toEqual([true, true]);
  });

  it('SPL-12 INIT-09 PKD-09 PKD-10 leaves what the device has alone', () => {
    const heads = [driver.add([READ, WRITE]), driver.add([READ, WRITE])];
    driver.publish();
    const { desc } = driver.placement;
    const later = writes(() => {
      driver.add([READ, WRITE]);
      driver.publish();
      driver.takeUsed();
    });
    expect(later.filter((access) => within(access, desc, 4 * 16))).toEqual([]);
    const popped = device.pop();
    device.push(popped.code === 'chain' ? popped.head : -1, 4);
    expect(driver.takeUsed()?.head).toBe(heads[0]);
    // Slots 2 and 3 are still the device's.
    const reused = writes(() => {
      for (let i = 0; i < 4; i++) driver.add([READ]);
      driver.publish();
    });
    expect(reused.filter((access) => within(access, desc + 2 * 16, 2 * 16))).toEqual([]);
    expect(reused.filter((access) => within(access, desc, 2 * 16)).length).toBeGreaterThan(0);
  });

  it('SIND-03 PKD-13 PKD-14 PKD-16 PKD-17 PIND-03 SPL-10 refuses a list that is longer than the queue, or than there is room', () => {
    const list = (length: number): typeof READ[] => Array.from({ length }, () => READ);
    expect(writes(() => expect(driver.add(list(SIZE + 1))).toBeUndefined())).toEqual([]);
    expect(writes(() => expect(driver.addIndirect(list(SIZE + 1), TABLE)).toBeUndefined())).toEqual([]);
    expect(driver.add(list(SIZE - 1))).toBeDefined();
    expect(writes(() => expect(driver.add(list(2))).toBeUndefined())).toEqual([]);
    expect(driver.add(list(1))).toBeDefined();
    driver.publish();
    serve();
    expect(writes(() => expect(driver.add([{ address: 0, length: 2 ** 31 }, { address: 0, length: 2 ** 31 }, READ])).toBeUndefined())).toEqual([]);
  });

  it('SIND-01 PIND-01 has no indirect tables unless they were negotiated', () => {
    setUp(0n);
    expect(writes(() => expect(driver.addIndirect([READ, WRITE], TABLE)).toBeUndefined())).toEqual([]);
  });

  it('SPL-04 PKD-15 refuses a readable element after a writable one', () => {
    expect(writes(() => expect([driver.add([WRITE, READ]), driver.addIndirect([WRITE, READ], TABLE)]).toEqual([undefined, undefined]))).toEqual([]);
  });

  it('SPL-05 takes one descriptor for each element', () => {
    expect(driver.add(Array.from({ length: SIZE }, () => READ))).toBeDefined();
    expect(driver.add([READ])).toBeUndefined();
  });

  it('SIND-02 SIND-04 PIND-02 PIND-04 has one level of indirection, in a descriptor of its own', () => {
    driver.addIndirect([READ, WRITE], TABLE);
    driver.publish();
    const layout = split ? VirtqDesc : PvirtqDesc;
    const flags = (at: number): number => layout.fields.flags.get(ram.bytes, at) & ~0x8080;
    expect(flags(driver.placement.desc)).toBe(4);
    expect([flags(TABLE), flags(TABLE + 16)]).toEqual(split ? [1, 2] : [0, 2]);
    expect(ram.bytes.getUint32(driver.placement.desc + 8, true)).toBe(32);
  });

  it('SPL-16 SPL-17 says how much was written, and 0 where the device did not say', () => {
    const heads = [driver.add([READ, WRITE]), driver.add([READ, WRITE])];
    driver.publish();
    for (const [index, written] of [3, 0].entries()) {
      const popped = device.pop();
      device.push(popped.code === 'chain' ? popped.head : -1, written);
      expect(driver.takeUsed()).toEqual({ head: heads[index], length: written });
    }
  });

  it('SEVT-13 SEVT-14 SEVT-15 without EVENT_IDX kicks by the device\'s flag, and by nothing else', () => {
    const { device: area } = driver.placement;
    // What would be avail_event, or the slot to wait for.
    ram.bytes.setUint16(split ? area + 4 + 8 * SIZE : area, 77, true);
    for (const wanted of [true, false, true]) {
      ram.bytes.setUint16(split ? area : area + 2, wanted ? 0 : 1, true);
      driver.add([READ]);
      expect(driver.publish()).toBe(wanted);
    }
  });

  it('SEVT-16 SEVT-17 SEVT-18 with EVENT_IDX kicks for the entry the device named, whatever its flag says', () => {
    setUp(VIRTIO_F_EVENT_IDX);
    const { device: area } = driver.placement;
    if (split) ram.bytes.setUint16(area, 1, true);
    else ram.bytes.setUint16(area + 2, 2, true);
    ram.bytes.setUint16(split ? area + 4 + 8 * SIZE : area, split ? 2 : 2 | 0x8000, true);
    const kicks = Array.from({ length: 5 }, () => {
      driver.add([READ]);
      return driver.publish();
    });
    expect(kicks).toEqual([false, false, true, false, false]);
  });

  it('SEVT-01 SEVT-03 flags say 0 or 1, and 0 with EVENT_IDX', () => {
    const { driver: area } = driver.placement;
    const flags = (): number => ram.bytes.getUint16(split ? area : area + 2, true);
    const seen = [flags()];
    for (const wanted of [false, true]) {
      driver.setInterrupts(wanted);
      seen.push(flags());
    }
    expect(seen).toEqual([0, 1, 0]);
    setUp(VIRTIO_F_EVENT_IDX);
    driver.add([READ]);
    driver.publish();
    serve();
    driver.takeUsed();
    expect(ram.bytes.getUint16(split ? driver.placement.driver : driver.placement.driver + 2, true)).toBe(split ? 0 : 2);
  });

  it('SEVT-05 finds nothing where nothing was used, however often it looks', () => {
    driver.add([READ]);
    driver.publish();
    expect([driver.takeUsed(), driver.takeUsed()]).toEqual([undefined, undefined]);
  });

  it('DNOT-D3 DNOT-D4 PKD-11 knows how far it has come', () => {
    for (let i = 0; i < 11; i++) {
      driver.add([READ, WRITE]);
      driver.publish();
      // Buffers, or slots with the wrap counter, which begins at 1.
      expect(driver.notificationData).toBe(split ? i + 1 : ((2 * (i + 1)) % SIZE) | (Math.floor((2 * (i + 1)) / SIZE) % 2 === 0 ? 0x8000 : 0));
      serve();
      driver.takeUsed();
    }
  });

  it('does not believe a device that gives back what it never had', () => {
    driver.add([READ]);
    driver.publish();
    if (split) {
      ram.bytes.setUint32(driver.placement.device + 4, 5, true);
      ram.bytes.setUint16(driver.placement.device + 2, 1, true);
    } else {
      PvirtqDesc.write(ram.bytes, driver.placement.desc, { id: 5, flags: usedFlags(true) });
    }
    expect(() => driver.takeUsed()).toThrow('gave back buffer 5, which it did not have');
  });
});

describe('the driver of a packed queue', () => {
  beforeEach(() => {
    ram = tracedMemory(RAM);
    driver = createDriverQueue(ram.memory, QUEUE_FORMATS[1][1], 0x1000, SIZE);
  });

  it('PKD-D5 every descriptor of a list has its flags, and the last one its id', () => {
    driver.add([READ]);
    const id = driver.add([READ, READ, WRITE]);
    driver.publish();
    const descriptors = [1, 2, 3].map((slot) => PvirtqDesc.decode(ram.bytes, 0x1000 + 16 * slot));
    expect(descriptors.map(({ flags }) => flags)).toEqual([0x81, 0x81, 0x82]);
    expect(descriptors.at(-1)?.id).toBe(id);
  });

  it('PKD-D4 without WRITE in a used descriptor its length means nothing', () => {
    const id = driver.add([READ, WRITE]);
    driver.publish();
    PvirtqDesc.write(ram.bytes, 0x1000, { id: id ?? -1, len: 99, flags: usedFlags(true) });
    expect(driver.takeUsed()).toEqual({ head: id, length: 0 });
  });

  it('PKD-D6 NEXT in a used descriptor means nothing', () => {
    const id = driver.add([READ, WRITE]);
    driver.publish();
    PvirtqDesc.write(ram.bytes, 0x1000, { id: id ?? -1, len: 4, flags: usedFlags(true) | 2 | 1 });
    expect([driver.takeUsed(), driver.takeUsed()]).toEqual([{ head: id, length: 4 }, undefined]);
  });
});
