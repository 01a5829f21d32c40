import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DescriptorChain } from './descriptor-chain.ts';
import type { QueueError } from './device-queue.ts';
import { DriverQueue } from '../driver/driver-queue.ts';
import type { Element } from '../driver/driver-virtqueue.ts';
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE, VirtqDesc } from './split-layout.ts';
import { SplitQueue } from './split-queue.ts';

const RAM = 0x2_0000;
const SIZE = 8;
const TABLE = 0x8000;
const { NEXT, WRITE, INDIRECT } = { NEXT: VIRTQ_DESC_F_NEXT, WRITE: VIRTQ_DESC_F_WRITE, INDIRECT: VIRTQ_DESC_F_INDIRECT };

let memory: GuestMemory;
let buffer: ArrayBuffer;
let driver: DriverQueue;
let device: SplitQueue;

function setUp(options: { eventIndex?: boolean; indirect?: boolean } = {}): void {
  memory = new GuestMemory();
  buffer = new ArrayBuffer(RAM);
  memory.add({ start: 0, size: RAM, writable: true, backing: bufferBacking(buffer) });
  const placement = DriverQueue.place(0x1000, SIZE);
  driver = new DriverQueue(memory, placement, { size: SIZE, eventIndex: options.eventIndex ?? false });
  device = new SplitQueue(memory, { size: SIZE, ...placement }, { eventIndex: options.eventIndex ?? false, indirect: options.indirect ?? true });
}
beforeEach(() => setUp());

function popChain(): DescriptorChain {
  const popped = device.pop();
  if (popped.code !== 'chain') throw new Error(`expected a chain, got ${JSON.stringify(popped)}`);
  return popped;
}
const elements = (chain: DescriptorChain): Element[] =>
  Array.from({ length: chain.count }, (_, i) => ({ address: chain.address(i), length: chain.length(i), writable: i >= chain.readableCount }));

describe('SplitQueue', () => {
  it('SIND-07 SIND-D1 follows plain descriptors into an indirect table', () => {
    memory.write(TABLE, VirtqDesc.encode({ addr: 0x300, len: 3, flags: NEXT, next: 2 }));
    memory.write(TABLE + 32, VirtqDesc.encode({ addr: 0x400, len: 4, flags: WRITE }));
    driver.writeDescriptor(0, { addr: 0x100, len: 1, flags: NEXT, next: 5 });
    // SIND-06: WRITE on the descriptor that points at the table means nothing.
    driver.writeDescriptor(5, { addr: TABLE, len: 48, flags: INDIRECT | WRITE, next: 0 });
    driver.offerHead(0);
    driver.publish();
    expect(elements(popChain())).toEqual([
      { address: 0x100, length: 1, writable: false },
      { address: 0x300, length: 3, writable: false },
      { address: 0x400, length: 4, writable: true },
    ]);
  });

  it.each<[QueueError['code'], () => void]>([
    ['avail-overrun', () => { for (let i = 0; i <= SIZE; i++) driver.offerHead(0); }],
    ['head-out-of-range', () => driver.offerHead(SIZE)],
    ['descriptor-out-of-range', () => { driver.writeDescriptor(0, { addr: 0, len: 1, flags: NEXT, next: SIZE }); driver.offerHead(0); }],
    ['descriptor-out-of-range', () => { driver.writeDescriptor(0, { addr: 0, len: 1, flags: NEXT, next: 0xffff }); driver.offerHead(0); }],
    ['chain-too-long', () => { driver.writeDescriptor(0, { addr: 0, len: 1, flags: NEXT, next: 0 }); driver.offerHead(0); }],
    ['chain-too-long', () => {
      driver.writeDescriptor(1, { addr: 0, len: 1, flags: NEXT, next: 2 });
      driver.writeDescriptor(2, { addr: 0, len: 1, flags: NEXT, next: 1 });
      driver.offerHead(1);
    }],
    ['chain-too-long', () => {
      memory.write(TABLE, VirtqDesc.encode({ addr: 0, len: 1, flags: NEXT, next: 0 }));
      driver.writeDescriptor(0, { addr: TABLE, len: 16, flags: INDIRECT, next: 0 });
      driver.offerHead(0);
    }],
    ['readable-after-writable', () => {
      driver.writeDescriptor(0, { addr: 0, len: 4, flags: NEXT | WRITE, next: 1 });
      driver.writeDescriptor(1, { addr: 0, len: 4, flags: 0, next: 0 });
      driver.offerHead(0);
    }],
    ['indirect-nested', () => {
      memory.write(TABLE, VirtqDesc.encode({ addr: TABLE, len: 16, flags: INDIRECT }));
      driver.writeDescriptor(0, { addr: TABLE, len: 16, flags: INDIRECT, next: 0 });
      driver.offerHead(0);
    }],
    ['indirect-with-next', () => { driver.writeDescriptor(0, { addr: TABLE, len: 16, flags: INDIRECT | NEXT, next: 1 }); driver.offerHead(0); }],
    ['indirect-length', () => { driver.writeDescriptor(0, { addr: TABLE, len: 0, flags: INDIRECT, next: 0 }); driver.offerHead(0); }],
    ['indirect-length', () => { driver.writeDescriptor(0, { addr: TABLE, len: 24, flags: INDIRECT, next: 0 }); driver.offerHead(0); }],
    ['indirect-unmapped', () => { driver.writeDescriptor(0, { addr: RAM - 16, len: 32, flags: INDIRECT, next: 0 }); driver.offerHead(0); }],
    ['indirect-unmapped', () => { driver.writeDescriptor(0, { addr: 2 ** 60, len: 16, flags: INDIRECT, next: 0 }); driver.offerHead(0); }],
    ['indirect-unmapped', () => { driver.writeDescriptor(0, { addr: 0, len: 0xffff_fff0, flags: INDIRECT, next: 0 }); driver.offerHead(0); }],
  ])('answers a broken ring with %s', (code, breakIt) => {
    breakIt();
    driver.publish();
    expect(device.pop()).toMatchObject({ code });
  });

  it('any bytes in table and ring give a chain of at most the queue size, or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16 * SIZE, maxLength: 16 * SIZE }), fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(0xffff), (table, indirect, head) => {
        setUp();
        memory.write(driver.placement.desc, table);
        memory.write(TABLE, indirect);
        driver.offerHead(head);
        driver.publish();
        const popped = device.pop();
        return popped.code !== 'chain' || (popped.count <= SIZE && popped.readableCount <= popped.count);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('notifications without EVENT_IDX', () => {
  it('SEVT-07 SEVT-08 follow the flag in the available ring', () => {
    driver.add([{ address: 0, length: 1 }]);
    driver.publish();
    device.push(popChain().head, 0);
    expect(device.needsInterrupt()).toBe(true);
    expect(device.needsInterrupt()).toBe(false);
    driver.setInterrupts(false);
    device.push(0, 0);
    expect(device.needsInterrupt()).toBe(false);
  });

  it('SEVT-06 SEVT-19 disregard used_event and keep the flags 0', () => {
    driver.setUsedEvent(100);
    device.push(0, 0);
    device.enableNotifications();
    expect(device.needsInterrupt()).toBe(true);
    const used = memory.readable(driver.placement.device, 2);
    expect(used?.view.getUint16(driver.placement.device, true)).toBe(0);
  });

});

describe('notifications with EVENT_IDX', () => {
  beforeEach(() => setUp({ eventIndex: true }));

  it('SEVT-09 SEVT-10 SEVT-11 come at used_event and not elsewhere', () => {
    driver.setInterrupts(false);
    driver.setUsedEvent(2);
    const wanted = Array.from({ length: 5 }, () => {
      device.push(0, 0);
      return device.needsInterrupt();
    });
    expect(wanted).toEqual([false, false, true, false, false]);
  });

  it('SEVT-D1 a batch that passes used_event is announced once, also across the wrap', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.integer({ min: 1, max: 200 }), fc.integer({ min: -300, max: 300 }), (start, batch, distance) => {
        setUp({ eventIndex: true });
        for (let i = 0; i < start; i++) device.push(0, 0);
        device.needsInterrupt();
        driver.setUsedEvent((start + distance) & 0xffff);
        for (let i = 0; i < batch; i++) device.push(0, 0);
        // The entry whose index equals used_event lies within the batch.
        return device.needsInterrupt() === (distance >= 0 && distance < batch);
      }),
      { numRuns: 50 },
    );
  });

  it('SEVT-22 ask for the next buffer through avail_event, so the driver kicks again', () => {
    driver.add([{ address: 0, length: 1 }]);
    expect(driver.publish()).toBe(true);
    popChain();
    driver.add([{ address: 0, length: 1 }]);
    // The device has not asked again, so no kick is due.
    expect(driver.publish()).toBe(false);
    expect(device.enableNotifications()).toBe(true);
    popChain();
    expect(device.enableNotifications()).toBe(false);
    driver.add([{ address: 0, length: 1 }]);
    expect(driver.publish()).toBe(true);
  });
});
