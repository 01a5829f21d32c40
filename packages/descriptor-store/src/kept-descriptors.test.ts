import { closeSync, openSync } from 'node:fs';
import { duplicate, EventFd, sameOpenFile } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DescriptorStore } from './descriptor-store.ts';
import { KeptDescriptors } from './kept-descriptors.ts';

/** A store that holds what it is told, as systemd does: an open file once. */
class FakeStore {
  readonly held = new Map<string, number>();
  readonly inherited: Map<string, number>;

  constructor(inherited: ReadonlyMap<string, number> = new Map()) {
    this.inherited = new Map([...inherited].map(([name, fd]) => [name, duplicate(fd)]));
    for (const [name, fd] of inherited) this.held.set(name, fd);
  }

  add(name: string, fd: number): void {
    if ([...this.held.values()].some((other) => sameOpenFile(other, fd))) throw new Error(`${name} is there already, and would be thrown away`);
    this.held.set(name, duplicate(fd));
  }

  remove(name: string): void {
    const fd = this.held.get(name);
    if (fd === undefined) throw new Error(`there is no ${name}`);
    closeSync(fd);
    this.held.delete(name);
  }
}

const keptIn = (store: FakeStore): KeptDescriptors => new KeptDescriptors(store as unknown as DescriptorStore, 't.');

describe('descriptors that states name', () => {
  let events: EventFd[];
  let store: FakeStore;
  beforeEach(() => {
    events = Array.from({ length: 3 }, () => new EventFd());
    store = new FakeStore();
  });
  afterEach(() => {
    for (const event of events) event.close();
    for (const fd of store.held.values()) closeSync(fd);
  });

  it('are in the store for as long as a state names them, whichever', () => {
    const kept = keptIn(store);
    const [one, two] = [{}, {}];
    const [a = -1, b = -1] = events.map(({ fd }) => fd);
    const first = kept.save(one, (put) => [put(a), put(b), put(a)]);
    expect(first).toEqual([0, 1, 0]);
    expect(kept.save(two, (put) => put(b))).toBe(1);
    expect([...store.held.keys()]).toEqual(['t.0', 't.1']);
    kept.save(one, () => undefined);
    expect([...store.held.keys()]).toEqual(['t.1']);
    kept.release(two);
    expect([...store.held.keys()]).toEqual([]);
  });

  it('are there once when a file is open under several numbers', () => {
    const kept = keptIn(store);
    const fd = events[0]?.fd ?? -1;
    const again = duplicate(fd);
    expect(kept.save({}, (put) => [put(fd), put(again)])).toEqual([0, 0]);
    expect(store.held.size).toBe(1);
    closeSync(again);
  });

  it('are told from those that have their number later', () => {
    const kept = keptIn(store);
    const user = {};
    const fd = openSync('/dev/null', 'r');
    const before = kept.save(user, (put) => put(fd));
    kept.forget(fd);
    closeSync(fd);
    const later = openSync('/dev/zero', 'r');
    expect(later).toBe(fd);
    expect(kept.save(user, (put) => put(later))).not.toBe(before);
    expect(sameOpenFile([...store.held.values()][0] ?? -1, later)).toBe(true);
    closeSync(later);
  });

  it('stay under their numbers in the process that comes after, and what nobody names there goes', () => {
    const [a = -1, b = -1, c = -1] = events.map(({ fd }) => fd);
    keptIn(store).save({}, (put) => [put(a), put(b)]);
    const next = new FakeStore(store.held);
    const kept = keptIn(next);
    const fd = kept.take(1);
    expect(sameOpenFile(fd, b)).toBe(true);
    expect(() => kept.take(2)).toThrow("there is no descriptor 't.2' among those that were kept");
    expect(kept.save({}, (put) => [put(fd), put(c)])).toEqual([1, 2]);
    kept.settled();
    expect([...next.held.keys()]).toEqual(['t.1', 't.2']);
    closeSync(fd);
    store = next;
  });

  it('stay in the store where saving fails', () => {
    const kept = keptIn(store);
    const user = {};
    const fd = events[0]?.fd ?? -1;
    kept.save(user, (put) => put(fd));
    expect(() => kept.save(user, () => {
      throw new Error('full');
    })).toThrow('full');
    expect([...store.held.keys()]).toEqual(['t.0']);
  });
});
