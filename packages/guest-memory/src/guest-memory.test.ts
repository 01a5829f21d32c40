import { createMemfd } from '@vpmem/native';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { bufferBacking, FileBackings, type Backing } from './backing.ts';
import { GuestMemory, MAX_SPAN } from './guest-memory.ts';

const PAGE = 4096;
let memory: GuestMemory;
beforeEach(() => {
  memory = new GuestMemory();
});

const ram = (start: number, size: number, writable = true): void => {
  expect(memory.add({ start, size, writable, backing: bufferBacking(new ArrayBuffer(size)) })).toBeUndefined();
};

describe('GuestMemory', () => {
  it('gives windows inside one region only', () => {
    ram(0x1000, PAGE);
    expect(memory.readable(0x1000, PAGE)).toBeDefined();
    expect(memory.readable(0x0fff, 2)).toBeUndefined();
    expect(memory.readable(0x1fff, 2)).toBeUndefined();
    expect(memory.readable(2 ** 53, 4)).toBeUndefined();
    // The answer must not depend on what was asked before.
    expect(memory.readable(0x1ffc, 4)?.start).toBe(0x1000);
  });

  it('gives no window for writing to what is read-only, and none at all without backing', () => {
    ram(0, PAGE, false);
    expect(memory.readable(0, 4)).toBeDefined();
    expect(memory.writable(0, 4)).toBeUndefined();
    memory.add({ start: PAGE, size: PAGE, writable: true });
    expect(memory.readable(PAGE, 4)).toBeUndefined();
    expect(memory.writable(PAGE, 4)).toBeUndefined();
  });

  it('copies across adjacent regions, and not across a hole', () => {
    ram(0, PAGE);
    ram(PAGE, PAGE);
    ram(3 * PAGE, PAGE);
    expect(memory.write(PAGE - 2, Uint8Array.of(1, 2, 3, 4))).toBe(true);
    const target = new Uint8Array(4);
    expect(memory.read(PAGE - 2, target)).toBe(true);
    expect([...target]).toEqual([1, 2, 3, 4]);
    expect(memory.write(2 * PAGE - 2, new Uint8Array(4))).toBe(false);
    expect(memory.read(2 * PAGE - 2, new Uint8Array(4))).toBe(false);
  });

  it('forgets windows when a region goes', () => {
    ram(0, PAGE);
    const { generation } = memory;
    memory.readable(0, 4);
    memory.writable(0, 4);
    expect(memory.remove(0, PAGE)).toBeUndefined();
    expect(memory.readable(0, 4)).toBeUndefined();
    expect(memory.writable(0, 4)).toBeUndefined();
    expect(memory.generation).not.toBe(generation);
  });

  it.each([
    ['empty', { start: 0, size: 0 }],
    ['overlap', { start: PAGE - 1, size: 1 }],
    ['overlap', { start: 0, size: 10 * PAGE }],
    ['beyond-end', { start: 2 ** 53 - PAGE, size: PAGE }],
  ])('refuses a region: %s', (code, region) => {
    ram(0, PAGE);
    expect(memory.add({ ...region, writable: true })).toMatchObject({ code });
    expect(memory.regions).toHaveLength(1);
  });

  it('finds the same regions as a plain list would, however they come and go', () => {
    const step = fc.record({ add: fc.boolean(), page: fc.nat(15), pages: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const tested = new GuestMemory();
        let model: { start: number; size: number }[] = [];
        for (const { add, page, pages } of steps) {
          const [start, size] = [page * PAGE, pages * PAGE];
          if (add) {
            const overlaps = model.some((region) => start < region.start + region.size && region.start < start + size);
            const error = tested.add({ start, size, writable: true, backing: bufferBacking(new ArrayBuffer(size)) });
            expect(error?.code).toBe(overlaps ? 'overlap' : undefined);
            if (!overlaps) model.push({ start, size });
          } else {
            const there = model.some((region) => region.start === start && region.size === size);
            expect(tested.remove(start, size)?.code).toBe(there ? undefined : 'unknown');
            model = model.filter((region) => region.start !== start || region.size !== size);
          }
          for (let at = 0; at < 20 * PAGE; at += PAGE / 2) {
            const holder = model.find((region) => at >= region.start && at + 8 <= region.start + region.size);
            expect(tested.readable(at, 8)?.start).toBe(holder?.start);
          }
        }
      }),
    );
  });

  it('refuses to remove what is not exactly there', () => {
    ram(0, PAGE);
    expect(memory.remove(0, PAGE / 2)).toMatchObject({ code: 'unknown' });
    expect(memory.remove(PAGE, PAGE)).toMatchObject({ code: 'unknown' });
  });

  it('lets go of each backing once', () => {
    const released: number[] = [];
    const backing = (i: number): Backing => ({ window: () => expect.unreachable(), release: () => released.push(i) });
    for (const i of [0, 1, 2]) memory.add({ start: i * PAGE, size: PAGE, writable: true, backing: backing(i) });
    memory.remove(PAGE, PAGE);
    memory.clear();
    expect(released).toEqual([1, 0, 2]);
  });

  it('serves a region larger than any window, with nothing of MAX_SPAN straddling two', () => {
    const size = 5 * 2 ** 30;
    const backing = new FileBackings().open(createMemfd('large', size), size, true);
    if ('code' in backing) throw new Error(backing.detail);
    memory.add({ start: 2 ** 32, size, writable: true, backing });
    fc.assert(
      fc.property(fc.nat(size - MAX_SPAN), fc.integer({ min: 1, max: MAX_SPAN }), (offset, length) => {
        const window = memory.readable(2 ** 32 + offset, length);
        return window !== undefined && window.start <= 2 ** 32 + offset && window.end >= 2 ** 32 + offset + length;
      }),
    );
    const edge = 2 ** 32 + 3 * 2 ** 30 + MAX_SPAN - 2;
    memory.write(edge, Uint8Array.of(1, 2, 3, 4));
    const target = new Uint8Array(4);
    memory.read(edge, target);
    expect([...target]).toEqual([1, 2, 3, 4]);
    memory.clear();
  });

  it('knows RAM that its owner keeps to itself from other addresses with nothing behind', () => {
    memory.add({ start: 0, size: 2 * PAGE, writable: true, backing: bufferBacking(new ArrayBuffer(2 * PAGE)) });
    memory.add({ start: 2 * PAGE, size: PAGE, writable: true, unshared: true });
    memory.add({ start: 4 * PAGE, size: PAGE, writable: false });
    const found = { start: 2 * PAGE, end: 3 * PAGE };
    for (const [address, length] of [[2 * PAGE, 1], [3 * PAGE - 1, 1], [2 * PAGE - 1, 2], [0, 8 * PAGE]] as const) expect(memory.unsharedRam(address, length)).toEqual(found);
    for (const [address, length] of [[0, 2 * PAGE], [3 * PAGE, PAGE], [4 * PAGE, PAGE], [9 * PAGE, 1], [2 ** 64, 4]] as const) expect(memory.unsharedRam(address, length)).toBeUndefined();
    expect([memory.readable(2 * PAGE, 1), memory.writable(2 * PAGE, 1)]).toEqual([undefined, undefined]);
  });
});
