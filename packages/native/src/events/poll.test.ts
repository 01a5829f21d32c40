import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitReadable, whenReadable } from './poll.ts';

let folder: string;
let fifo: string;
let fd: number;
const ignore = (): void => undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-poll-'));
  fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  fd = openSync(fifo, 'r+');
  // A signal with a handler is one that interrupts system calls.
  process.on('SIGUSR2', ignore);
});
afterEach(() => {
  process.off('SIGUSR2', ignore);
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Interrupts this process some times, and then has something to read for it. Resolves when that program has ended. */
const interrupted = (): Promise<unknown> =>
  once(spawn('sh', ['-c', `sleep 0.1; for i in 1 2 3; do kill -USR2 ${process.pid}; sleep 0.05; done; echo x > ${fifo}`], { stdio: 'ignore' }), 'exit');

describe('waiting for a descriptor', () => {
  it('goes on after a signal, on this thread', async () => {
    const over = interrupted();
    expect(waitReadable(fd, 10_000)).toBe(true);
    await over;
  });

  it('goes on after a signal, on a thread of the pool', async () => {
    // The program may well have ended before a thread of the pool has told: so its end is listened for first.
    const over = interrupted();
    expect(await whenReadable(fd)).toBe(true);
    await over;
  });

  it('ends when the time is over, signals or not', async () => {
    const child = spawn('sh', ['-c', `while kill -USR2 ${process.pid}; do sleep 0.02; done`], { stdio: 'ignore' });
    const over = once(child, 'exit');
    expect(waitReadable(fd, 200)).toBe(false);
    child.kill();
    await over;
    expect(await whenReadable(fd, 0)).toBe(false);
  });
});
