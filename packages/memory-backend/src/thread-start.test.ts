import { closeSync } from 'node:fs';
import { createMemfd, EventLoop } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScarceDescriptors } from './scarce-descriptors.ts';
import { SyncPool } from './flushes/sync-pool.ts';
import { checkRoom, startThread } from './thread-start.ts';

let scarce: ScarceDescriptors;
beforeEach(() => {
  scarce = new ScarceDescriptors();
});
afterEach(() => scarce.end());

/** A loop that waits for nothing would not end in the test's own time-out. */
const turnWhile = (loop: EventLoop, waiting: () => boolean): void => {
  const end = performance.now() + 60_000;
  while (waiting()) {
    if (performance.now() > end) throw new Error('nothing comes of it');
    loop.turn(100);
  }
};
const noRoom = (purpose: string): object => ({ code: 'EMFILE', message: `no thread can be started for ${purpose} (EMFILE): it needs 16 descriptors, see ulimit -n` });

describe('a thread', () => {
  it.each([0, 3, 15])('is not tried to be started where only %i descriptors are left, and none is lost', (left) => {
    scarce.exhaust();
    scarce.release(left);
    expect(() => startThread(new URL('data:text/javascript,'), 'a test', {})).toThrow(expect.objectContaining(noRoom('a test')) as Error);
    scarce.release(16 - left);
    expect(() => checkRoom('a test')).not.toThrow();
  });

  it('that the system refuses is a failure that says so', () => {
    // What is wrong with these options is told at once, as is what is wrong with the system.
    expect(() => startThread(new URL('data:text/javascript,'), 'a test', { execArgv: ['--title=x', '--no-such'] })).toThrow(/no thread can be started for a test \(EAGAIN\): see ulimit -u/);
  });
});

describe('a sync where no thread can be started', () => {
  it('fails and says why, and once one can, it does not', async () => {
    const loop = new EventLoop();
    const fd = createMemfd('synced', 4096);
    scarce.exhaust();
    // For the pool's own.
    scarce.release(1);
    const pool = new SyncPool(loop);
    const results: unknown[] = [];
    for (let i = 1; i <= 2; i++) {
      pool.syncer(fd).start((error) => results.push(error));
      expect(results).toHaveLength(i - 1);
      turnWhile(loop, () => results.length < i);
    }
    expect([pool.size, results]).toMatchObject([0, [noRoom('fdatasync'), noRoom('fdatasync')]]);
    scarce.release();
    pool.syncer(fd).start((error) => results.push(error));
    turnWhile(loop, () => results.length < 3);
    expect(results[2]).toBeUndefined();
    await pool.close();
    loop.close();
    closeSync(fd);
  });

  it('waits for those there are', async () => {
    const loop = new EventLoop();
    const pool = new SyncPool(loop);
    const fds = [createMemfd('one', 4096), createMemfd('two', 4096)];
    const results: unknown[] = [];
    pool.syncer(fds[0] ?? -1).start((error) => results.push(error));
    turnWhile(loop, () => results.length < 1);
    scarce.exhaust();
    for (const fd of fds) pool.syncer(fd).start((error) => results.push(error));
    turnWhile(loop, () => results.length < 3);
    expect([pool.size, results]).toEqual([1, [undefined, undefined, undefined]]);
    await pool.close();
    loop.close();
    for (const fd of fds) closeSync(fd);
  });
});
