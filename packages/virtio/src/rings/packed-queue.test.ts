import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { QueueError } from './device-queue.ts';
import { PackedDriverQueue } from '../driver/packed-driver-queue.ts';
import { PvirtqDesc, slotWord } from './packed-layout.ts';
import { PackedQueue } from './packed-queue.ts';

const RAM = 0x2_0000;
const SIZE = 8;
const TABLE = 0x8000;
const [NEXT, WRITE, INDIRECT, AVAIL, USED] = [1, 2, 4, 0x80, 0x8000];

let memory: GuestMemory;
let driver: PackedDriverQueue;
let device: PackedQueue;

function setUp(eventIndex = false, size = SIZE): void {
  memory = new GuestMemory();
  memory.add({ start: 0, size: RAM, writable: true, backing: bufferBacking(new ArrayBuffer(RAM)) });
  driver = new PackedDriverQueue(memory, PackedDriverQueue.place(0x1000, size), { size, eventIndex });
  device = new PackedQueue(memory, { size, ...driver.placement }, { eventIndex, indirect: true });
}
beforeEach(() => setUp());

const read = (address: number, length: number): string => {
  const bytes = new Uint8Array(length);
  memory.read(address, bytes);
  return Buffer.from(bytes).toString('hex');
};
const write = (slot: number, flags: number, rest: Partial<{ addr: number; len: number; id: number }> = {}): void =>
  driver.writeDescriptor(slot, { addr: 0x100, len: 1, id: 0, ...rest, flags });
const use = (written = 0): void => {
  const popped = device.pop();
  if (popped.code !== 'chain') throw new Error(`expected a chain, got ${popped.code}`);
  device.push(popped.head, written);
};

describe('bytes in the ring', () => {
  it('PKD-D2 PKD-D3 PKD-D4 are those of the specification, available and used', () => {
    driver.add([{ address: 0x1_0000, length: 4 }, { address: 0x1_0010, length: 4, writable: true }]);
    driver.publish();
    expect(read(0x1000, 32)).toBe('00000100000000000400000000008100' + '10000100000000000400000000008200');
    use(4);
    // One used descriptor for the list, where the list began; WRITE because bytes were written.
    expect(read(0x1008, 24)).toBe('0400000000008280' + '10000100000000000400000000008200');
  });

  it('PKD-D4 a buffer nothing was written to comes back without WRITE', () => {
    driver.add([{ address: 0, length: 4 }]);
    driver.publish();
    use(0);
    expect(read(0x100c, 4)).toBe('00008080');
    expect(driver.takeUsed()).toEqual({ head: 0, length: 0 });
  });

  it('PKD-D1 in the second lap flags are the other way round', () => {
    for (let i = 0; i < SIZE; i++) {
      driver.add([{ address: 0, length: 1, writable: true }]);
      driver.publish();
      use(1);
      driver.takeUsed();
    }
    driver.add([{ address: 0, length: 1, writable: true }]);
    driver.publish();
    expect(read(0x100e, 2)).toBe('0280');
    use(1);
    expect(read(0x100e, 2)).toBe('0200');
  });
});

describe('PackedQueue', () => {
  it('PKD-07 leaves a descriptor alone until its flags have changed', () => {
    expect(device.pop()).toEqual({ code: 'empty' });
    for (const flags of [0, AVAIL | USED, USED, NEXT | WRITE]) {
      write(0, flags);
      expect(device.pop()).toEqual({ code: 'empty' });
    }
    write(0, AVAIL);
    expect(device.pop()).toMatchObject({ code: 'chain' });
  });

  it('PIND-D1 PIND-D2 of an indirect table only WRITE and the order count', () => {
    memory.write(TABLE, PvirtqDesc.encode({ addr: 0x300, len: 3, id: 77, flags: NEXT | INDIRECT | USED }));
    memory.write(TABLE + 16, PvirtqDesc.encode({ addr: 0x400, len: 4, id: 78, flags: WRITE | AVAIL }));
    write(0, INDIRECT | WRITE | AVAIL, { addr: TABLE, len: 32, id: 5 });
    expect(device.pop()).toMatchObject({ head: 5, count: 2, readableCount: 1 });
  });

  it('takes any buffer id, and gives it back', () => {
    write(0, NEXT | AVAIL, { id: 3 });
    write(1, AVAIL, { id: 0xffff });
    write(2, AVAIL, { id: 9 });
    expect(device.pop()).toMatchObject({ head: 0xffff, count: 2 });
    device.push(0xffff, 0);
    expect(device.pop()).toMatchObject({ head: 9 });
    device.push(9, 0);
    // The second goes where the list of two ended.
    expect([read(0x100c, 4), read(0x102c, 4)]).toEqual(['ffff8080', '09008080']);
  });

  it.each<[QueueError['code'], () => void]>([
    ['descriptor-not-available', () => write(0, NEXT | AVAIL)],
    ['descriptor-not-available', () => { write(0, NEXT | AVAIL); write(1, AVAIL | USED); }],
    ['chain-too-long', () => { for (let i = 0; i < SIZE; i++) write(i, NEXT | AVAIL); }],
    ['readable-after-writable', () => { write(0, NEXT | WRITE | AVAIL); write(1, AVAIL); }],
    ['indirect-with-next', () => { write(0, INDIRECT | NEXT | AVAIL, { addr: TABLE, len: 16 }); write(1, AVAIL); }],
    ['indirect-with-next', () => { write(0, NEXT | AVAIL); write(1, INDIRECT | AVAIL, { addr: TABLE, len: 16 }); }],
    ['indirect-length', () => write(0, INDIRECT | AVAIL, { addr: TABLE, len: 0 })],
    ['indirect-length', () => write(0, INDIRECT | AVAIL, { addr: TABLE, len: 24 })],
    ['chain-too-long', () => write(0, INDIRECT | AVAIL, { addr: TABLE, len: 16 * (SIZE + 1) })],
    ['chain-too-long', () => write(0, INDIRECT | AVAIL, { addr: TABLE, len: 0xffff_fff0 })],
    ['indirect-unmapped', () => write(0, INDIRECT | AVAIL, { addr: RAM - 16, len: 32 })],
    ['indirect-unmapped', () => write(0, INDIRECT | AVAIL, { addr: 2 ** 60, len: 16 })],
  ])('answers a broken ring with %s', (code, breakIt) => {
    breakIt();
    expect(device.pop()).toMatchObject({ code });
  });

  it('answers a buffer id that is in flight already with buffer-in-flight', () => {
    write(0, AVAIL, { id: 4 });
    write(1, AVAIL, { id: 4 });
    expect(device.pop()).toMatchObject({ head: 4 });
    expect(device.pop()).toMatchObject({ code: 'buffer-in-flight' });
  });

  it('answers a driver that makes slots available which it does not have with avail-overrun', () => {
    for (let id = 0; id < SIZE; id++) {
      write(id, AVAIL, { id });
      expect(device.pop()).toMatchObject({ head: id });
    }
    write(0, USED, { id: 100 });
    expect(device.pop()).toMatchObject({ code: 'avail-overrun' });
  });
});

describe('notifications', () => {
  it('PEVT-D1 reserved and unnegotiated modes do not lose one', () => {
    for (const [flags, wanted] of [[0, true], [1, false], [2, true], [3, true]] as const) {
      setUp();
      driver.setUsedEvent(slotWord(5, true));
      memory.write(driver.placement.driver + 2, Uint8Array.of(flags, 0));
      driver.add([{ address: 0, length: 1 }]);
      driver.publish();
      use();
      expect(device.needsInterrupt()).toBe(wanted);
    }
  });

  it('PEVT-D3 the device\'s structure says always without EVENT_IDX, and with it the next slot', () => {
    expect(driver.publish()).toBe(false);
    device.enableNotifications();
    expect(read(driver.placement.device, 4)).toBe('00000000');
    setUp(true);
    for (let i = 0; i < 5; i++) driver.add([{ address: 0, length: 1 }]);
    driver.publish();
    for (let i = 0; i < 5; i++) use();
    device.enableNotifications();
    expect(read(driver.placement.device, 4)).toBe('05800200');
  });

  it('PEVT-D2 a batch that passes the named slot is announced once, also across the end of the ring', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(40), fc.integer({ min: 1, max: 9 }), fc.nat(17), (size, start, wish, ahead) => {
        setUp(true, size);
        const batch = Math.min(wish, size);
        const push = (count: number): void => {
          for (let i = 0; i < count; i++) {
            driver.add([{ address: 0, length: 1 }]);
            driver.publish();
            use();
            driver.takeUsed();
          }
        };
        push(start);
        device.needsInterrupt();
        const event = ahead % (2 * size);
        const absolute = start + event;
        push(batch);
        driver.setUsedEvent(slotWord(absolute % size, Math.floor(absolute / size) % 2 === 0));
        return device.needsInterrupt() === event < batch;
      }),
    );
  });
});
