import { closeSync, openSync } from 'node:fs';
import { createMemfd, EventLoop } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SyncPool } from './sync-pool.ts';

let loop: EventLoop;
let pool: SyncPool;
beforeEach(() => {
  loop = new EventLoop();
  pool = new SyncPool(loop);
});
afterEach(async () => {
  await pool.close();
  loop.close();
});

/** Turns the loop until `done`; a hang ends in the test's own time-out. */
const until = (done: () => boolean): void => {
  while (!done()) loop.turn(100);
};

describe('SyncPool', () => {
  it('syncs in a thread of its own and reports through the loop', () => {
    const fd = createMemfd('synced', 4096);
    const results: unknown[] = [];
    // There is nobody yet for whom a thread would be needed.
    expect(pool.size).toBe(0);
    const syncer = pool.syncer(fd);
    expect(pool.size).toBe(1);
    syncer.start((error) => results.push(error));
    expect(results).toEqual([]);
    until(() => results.length > 0);
    expect(results).toEqual([undefined]);
    closeSync(fd);
  });

  it('reports the errno of a sync that failed', () => {
    const results: (NodeJS.ErrnoException | undefined)[] = [];
    // A directory on procfs has nothing to sync, and says so.
    const fd = openSync('/proc/self', 'r');
    pool.syncer(fd).start((error) => results.push(error));
    until(() => results.length > 0);
    expect(results[0]).toMatchObject({ code: 'EINVAL', syscall: 'fdatasync' });
    closeSync(fd);
  });

  it('adds a thread when all are busy, and gives work to those that are free', () => {
    const fds = [0, 1, 2].map((i) => createMemfd(`f${i}`, 4096));
    let done = 0;
    for (const fd of fds) pool.syncer(fd).start(() => done++);
    expect(pool.size).toBe(3);
    until(() => done === 3);
    for (const fd of fds) pool.syncer(fd).start(() => done++);
    until(() => done === 6);
    expect(pool.size).toBe(3);
    fds.forEach((fd) => closeSync(fd));
  });

  it('lets threads end that have nothing to do, but for one, and goes on working', async () => {
    await pool.close();
    pool = new SyncPool(loop, { patience: 20 });
    const fds = [0, 1, 2].map((i) => createMemfd(`f${i}`, 4096));
    let done = 0;
    for (let round = 1; round <= 3; round++) {
      for (const fd of fds) pool.syncer(fd).start(() => done++);
      expect(pool.size).toBe(3);
      until(() => done === 3 * round);
      until(() => pool.size === 1);
    }
    fds.forEach((fd) => closeSync(fd));
  });

  it('the same syncer runs again and again', () => {
    const fd = createMemfd('again', 4096);
    const syncer = pool.syncer(fd);
    let done = 0;
    const next = (): void => {
      if (++done < 200) syncer.start(next);
    };
    syncer.start(next);
    until(() => done === 200);
    expect([pool.size, syncer.begun]).toEqual([1, true]);
    closeSync(fd);
  });

  it('knows that a sync has not begun before its thread took it', () => {
    const fd = createMemfd('begun', 4096);
    const syncer = pool.syncer(fd);
    expect(syncer.begun).toBe(false);
    let done = false;
    // The first thread is only just starting, so nothing can have taken this yet.
    syncer.start(() => (done = true));
    expect(syncer.begun).toBe(false);
    until(() => done);
    expect(syncer.begun).toBe(true);
    closeSync(fd);
  });
});
