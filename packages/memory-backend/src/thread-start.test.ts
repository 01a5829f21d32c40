import { closeSync, openSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createMemfd, EventLoop } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedMedium } from './simulated-medium.ts';
import { SyncPool } from './sync-pool.ts';
import { TestBackend } from './test-backend.ts';
import { checkRoom, startThread } from './thread-start.ts';

const limit = (value: string): void => {
  expect(spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${value}:`]).status).toBe(0);
};
const before = spawnSync('prlimit', ['--pid', String(process.pid), '--nofile', '--output=SOFT', '--noheadings'], { encoding: 'utf8' }).stdout.trim();

/** Descriptors that are open so that no others can be. */
let taken: number[];
const exhaust = (): void => {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch (error) {
    expect(error).toMatchObject({ code: 'EMFILE' });
  }
};
const release = (count = taken.length): void => taken.splice(0, count).forEach((fd) => closeSync(fd));
beforeEach(() => {
  taken = [];
  const highest = Math.max(...readdirSync('/proc/self/fd').map((name) => Number(name)));
  limit(String(highest + 100));
});
afterEach(() => {
  release();
  limit(before);
});

/** A loop that waits for nothing would not end in the test's own time-out. */
const turnWhile = (loop: EventLoop, waiting: () => boolean): void => {
  const end = performance.now() + 60_000;
  while (waiting()) {
    if (performance.now() > end) throw new Error('nothing comes of it');
    loop.turn(100);
  }
};
const nobody = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
const noRoom = (purpose: string): object => ({ code: 'EMFILE', message: `no thread can be started for ${purpose} (EMFILE): it needs 16 descriptors, see ulimit -n` });

describe('a thread', () => {
  it.each([0, 3, 15])('is not tried to be started where only %i descriptors are left, and none is lost', (left) => {
    exhaust();
    release(left);
    expect(() => startThread(new URL('data:text/javascript,'), 'a test', {})).toThrow(expect.objectContaining(noRoom('a test')) as Error);
    release(16 - left);
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
    exhaust();
    // For the pool's own.
    release(1);
    const pool = new SyncPool(loop);
    const results: unknown[] = [];
    for (let i = 1; i <= 2; i++) {
      pool.syncer(fd).start((error) => results.push(error));
      expect(results).toHaveLength(i - 1);
      turnWhile(loop, () => results.length < i);
    }
    expect([pool.size, results]).toMatchObject([0, [noRoom('fdatasync'), noRoom('fdatasync')]]);
    release();
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
    exhaust();
    for (const fd of fds) pool.syncer(fd).start((error) => results.push(error));
    turnWhile(loop, () => results.length < 3);
    expect([pool.size, results]).toEqual([1, [undefined, undefined, undefined]]);
    await pool.close();
    loop.close();
    for (const fd of fds) closeSync(fd);
  });
});

describe('a simulated medium where no thread can be started', () => {
  it.each(['node', 'its own'])('is not made, and leaves nothing: %s event loop', async (whose) => {
    const disk = await TestBackend.open(4096, { powerFailure: true, medium: false });
    const loop = whose === 'node' ? undefined : new EventLoop();
    exhaust();
    const full = taken.length;
    expect(() => new SimulatedMedium(disk.description, nobody, loop)).toThrow(expect.objectContaining(noRoom('the simulated medium')) as Error);
    exhaust();
    expect(taken).toHaveLength(full);
    release();
    const medium = new SimulatedMedium(disk.description, nobody);
    expect(await new Promise((resolve) => medium.start(resolve))).toBeUndefined();
    await new Promise<void>((resolve) => medium.close(resolve));
    loop?.close();
    await disk.close();
  });

  it('whose thread ends before it has begun fails what waits for it, and what comes after', async () => {
    const disk = await TestBackend.open(4096, { powerFailure: true, medium: false });
    const medium = new SimulatedMedium(disk.description, nobody);
    // Before the thread has read its program.
    exhaust();
    const gone = { code: expect.stringMatching(/EMFILE|ERR_WORKER_INIT_FAILED/) as string, message: expect.stringMatching(/^the thread of the simulated medium is gone: .*EMFILE/) as string };
    const flush = (): Promise<unknown> => new Promise((resolve) => medium.start(resolve));
    expect(await Promise.all([flush(), flush()])).toMatchObject([gone, gone]);
    release();
    expect(await flush()).toMatchObject(gone);
    await new Promise<void>((resolve) => medium.close(resolve));
    await disk.close();
  });
});
