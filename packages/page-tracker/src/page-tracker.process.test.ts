import { closeSync, readSync, writeSync } from 'node:fs';
import { createMemfd, Mapping, replaceDescriptor } from '@vpmem/native';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, MADV_DONTNEED, SYS } from '../tests/client.ts';
import { Follower } from '../tests/follower.ts';
import { untrackable } from '../tests/trackable.ts';
import { PAGE_SIZE, type TrackerKind } from './index.ts';

const PAGES = 2048;
const TABLE = 512;
const LENGTH = PAGES * PAGE_SIZE;

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function follower(kind: TrackerKind, pages = PAGES): Follower {
  const made = new Follower(kind, pages);
  ends.push(() => made.close());
  return made;
}

/** One that maps all of it, and has been asked for once. */
async function client({ memory, tracker, size }: Follower): Promise<Client> {
  const made = await Client.start(memory);
  ends.push(() => made.stop());
  tracker.clientCame(made.pid);
  await made.map(size);
  return made;
}

/** Pages at random, the same ones each time. */
function* someOf(pages: number, seed = 1): Generator<number> {
  for (let random = seed; ; ) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    yield (random >> 8) % pages;
  }
}

function take(count: number, from: Iterator<number>): number[] {
  return Array.from({ length: count }, () => from.next().value as number);
}

function readWord({ memory }: Follower, page: number): number {
  const word = Buffer.alloc(4);
  readSync(memory, word, 0, 4, page * PAGE_SIZE);
  return word.readUInt32LE();
}

const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i);

const reason = untrackable();
const kinds: readonly TrackerKind[] = reason === undefined ? ['compare', 'uffd'] : ['compare'];

describe.each(kinds)(`pages found by %s${reason === undefined ? '' : ` (without uffd: ${reason})`}`, (kind) => {
  it('has everything that differs from the file in the first answer', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    await storing.store([3, 4, 700], 1);
    expect(followed.followPages()).toEqual([3, 4, 700]);
    expect(followed.tracker.kind).toBe(kind);
    expect(followed.tracker.reason).toBeUndefined();
  });

  it('finds what a client stores, and answers it once when it is settled', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    followed.follow();
    const random = someOf(PAGES);
    for (let round = 1; round < 30; round++) {
      const pages = take(round, random);
      await storing.store(pages, round);
      expect(followed.followPages()).toEqual([...new Set(pages)].sort((a, b) => a - b));
      expect(followed.missed()).toEqual([]);
      followed.settle();
      expect(followed.followPages()).toEqual([]);
    }
    expect(storing.ended).toBe(false);
  });

  it('finds as many stretches as there can be', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    followed.follow();
    const pages = range(0, PAGES).filter((page) => page % 2 === 0);
    await storing.store(pages, 1);
    expect(followed.followPages()).toEqual(pages);
  });

  it('finds what was written back to what the file holds', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    followed.follow();
    await storing.store([9], 1);
    followed.follow();
    await storing.store([9], 0);
    expect(followed.followPages()).toContain(9);
    // By way of what has to be compared, as well.
    await storing.store([10], 1);
    followed.follow();
    await storing.store([10], 0);
    followed.tracker.clientCame(storing.pid);
    followed.follow();
    expect(followed.missed()).toEqual([]);
  });

  it('finds what this process stores as a client, and what it says to have written', () => {
    const followed = follower(kind);
    const mapping = Mapping.ofFile(followed.memory, { length: LENGTH });
    ends.push(() => mapping.unmap());
    followed.tracker.clientCame(process.pid);
    followed.follow();
    const bytes = new Uint8Array(mapping.window(0, LENGTH));
    for (const page of [1, 2, 1000]) bytes[page * PAGE_SIZE + 5] = 7;
    expect(followed.followPages()).toEqual([1, 2, 1000]);
    followed.settle();
    writeSync(followed.memory, Buffer.alloc(4096, 1), 0, 4096, 20 * PAGE_SIZE + 100);
    followed.tracker.note(20 * PAGE_SIZE + 100, 4096);
    expect(followed.followPages()).toEqual([20, 21]);
    expect(followed.missed()).toEqual([]);
  });

  it('finds what several clients store, also one whose connection has ended, until it has', async () => {
    const followed = follower(kind);
    const [one, two] = [await client(followed), await client(followed)];
    followed.follow();
    await one.store([1], 1);
    await two.store([2], 2);
    expect(followed.followPages()).toEqual([1, 2]);
    followed.settle();
    followed.tracker.clientLeft(two.pid);
    followed.follow();
    await two.store([3], 3);
    expect(followed.followPages()).toEqual([3]);
    followed.settle();
    await two.store([4], 4);
    await two.stop();
    expect(followed.followPages()).toContain(4);
    expect(followed.missed()).toEqual([]);
  });

  it('finds what was stored to pages that the client then gave back to the kernel', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    followed.follow();
    await storing.store([5], 1);
    await storing.call(SYS.madvise, storing.address + BigInt(5 * PAGE_SIZE), PAGE_SIZE, MADV_DONTNEED);
    expect(followed.followPages()).toContain(5);
    // Whole page tables, which the kernel takes away with their pages.
    for (let round = 2; round < 5; round++) {
      await storing.store(range(0, 3 * TABLE), round);
      await storing.call(SYS.madvise, storing.address, 3 * TABLE * PAGE_SIZE, MADV_DONTNEED);
      followed.follow();
      expect(followed.missed()).toEqual([]);
      followed.settle();
    }
    await storing.store([8], 9);
    expect(followed.followPages()).toEqual([8]);
  });

  it('finds what was stored when mappings are protected, moved, replaced and added', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    followed.follow();
    const check = (page: number): void => {
      expect(followed.followPages()).toContain(page);
      expect(followed.missed()).toEqual([]);
      followed.settle();
    };
    await storing.store([5], 1);
    await storing.call(SYS.mprotect, storing.address + BigInt(4 * PAGE_SIZE), 4 * PAGE_SIZE, 1);
    check(5);
    await storing.call(SYS.mprotect, storing.address, LENGTH, 3);
    await storing.store([5], 2);
    check(5);
    // The same file at the same place, anew.
    await storing.store([5], 3);
    await storing.map(LENGTH, 0, storing.address);
    await storing.store([6], 3);
    check(6);
    // A part in the middle of it, with another part of the file.
    await storing.map(4 * PAGE_SIZE, 100 * PAGE_SIZE, storing.address + BigInt(8 * PAGE_SIZE));
    await storing.store([9], 4);
    check(101);
    // A second one of a part.
    const second = await storing.map(16 * PAGE_SIZE, 64 * PAGE_SIZE);
    await storing.store([2], 5, second);
    check(66);
    await storing.store([3], 6, second);
    check(67);
    const moved = await storing.call(SYS.mremap, second, 16 * PAGE_SIZE, 32 * PAGE_SIZE, 1);
    await storing.store([20], 7, moved);
    check(84);
    await storing.store([21], 8, moved);
    await storing.call(SYS.munmap, moved, 32 * PAGE_SIZE);
    check(85);
    await storing.store([30], 9);
    expect(followed.followPages()).toEqual([30]);
  });

  it('finds what was stored by a client that is gone, and by its children', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    followed.follow();
    const at = (page: number): string => String(storing.address + BigInt(page * PAGE_SIZE));
    await storing.order({ do: 'fork', address: at(5), value: 1, until: undefined });
    expect(followed.followPages()).toContain(5);
    await storing.order({ do: 'fork', address: at(6), value: 2, until: at(7) });
    const forked = async (page: number, value: number): Promise<void> => {
      await expect.poll(() => readWord(followed, page)).toBe(value);
    };
    await forked(6, 2);
    expect(followed.followPages()).toContain(6);
    expect(followed.missed()).toEqual([]);
    await storing.store([7], 1);
    followed.follow();
    await storing.store([8], 3);
    await storing.stop();
    followed.follow();
    expect(followed.missed()).toEqual([]);
  });

  it('misses nothing that is stored while it is asked', async () => {
    const followed = follower(kind);
    const storing = [await client(followed), await client(followed)];
    const counts = storing.map((each) => each.order({ do: 'spin', address: String(each.address + BigInt(16 * PAGE_SIZE)), pages: 600 }));
    for (let round = 0; round < 200; round++) {
      followed.follow();
      if (round % 20 === 0) followed.settle();
      if (round % 50 === 0) followed.tracker.clientCame(storing[0]?.pid);
    }
    writeSync(followed.memory, Buffer.from([1]), 0, 1, 16 * PAGE_SIZE);
    followed.tracker.note(16 * PAGE_SIZE, 1);
    for (const count of await Promise.all(counts)) expect(count).toBeGreaterThan(0n);
    followed.follow();
    expect(followed.missed()).toEqual([]);
  });

  it('misses nothing of a client that is killed while it is asked', async () => {
    const followed = follower(kind);
    for (let round = 0; round < 4; round++) {
      const storing = await client(followed);
      // It never answers.
      void storing.order({ do: 'spin', address: String(storing.address + BigInt(16 * PAGE_SIZE)), pages: 600 });
      await expect.poll(() => followed.missed().length).toBeGreaterThan(0);
      followed.follow();
      storing.signal('SIGKILL');
      // Its memory is taken apart meanwhile.
      for (let i = 0; i < 10 * round; i++) followed.follow();
      await storing.stop();
      followed.follow();
      expect(followed.missed()).toEqual([]);
      followed.settle();
    }
  });

  it('begins anew with another memory', async () => {
    const followed = follower(kind);
    const storing = await client(followed);
    await storing.store([5], 1);
    followed.follow();
    const fresh = createMemfd('fresh', LENGTH);
    replaceDescriptor(fresh, followed.memory);
    closeSync(fresh);
    followed.tracker.reset();
    followed.tracker.clientLeft(storing.pid);
    const next = await client(followed);
    await next.store([6], 1);
    followed.follow();
    expect(followed.missed()).toEqual([]);
    followed.settle();
    await storing.store([1], 1);
    await next.store([7], 1);
    expect(followed.followPages()).toEqual([7]);
  });
});
