import { check, poll, pollBytes, uninterrupted } from '../libc.ts';
import { Mapping } from '../memory/mapping.ts';

const POLLIN = 1;
const POLLFD_SIZE = 8;

/** A `struct pollfd` of this thread, which waits for one thing at a time; to map memory for each wait takes longer than most of them. */
const own = new Uint8Array(POLLFD_SIZE);

/** A `struct pollfd` says: wait for `fd` to become readable. */
function waitFor(fd: number, buffer: ArrayBuffer): void {
  const view = new DataView(buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLLIN, true);
}

/** Blocks this thread until `fd` can be read, or `timeoutMs` have passed; says which. */
export function waitReadable(fd: number, timeoutMs: number): boolean {
  waitFor(fd, own.buffer);
  const left = remaining(timeoutMs);
  return check(uninterrupted(() => pollBytes(own, 1, left())), 'poll', `descriptor ${fd}`) > 0;
}

/** The same without blocking this thread: a thread of node's pool waits, and the process stays alive meanwhile. */
export async function whenReadable(fd: number, timeoutMs = -1): Promise<boolean> {
  // Where a thread of the pool finds it, whatever becomes of JavaScript's memory.
  const arena = Mapping.anonymous(POLLFD_SIZE);
  waitFor(fd, arena.window(0, POLLFD_SIZE));
  const left = remaining(timeoutMs);
  try {
    // Of a thread of the pool there is no errno here; but nothing else than a signal can go wrong.
    for (;;) {
      const count = await pollInPool(arena, left());
      if (count !== -1) return count > 0;
    }
  } finally {
    arena.unmap();
  }
}

function pollInPool(arena: Mapping, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    poll.async(arena.address, 1, timeoutMs, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

/** Tells how much of a time is left, in whole milliseconds; of one without end always -1. */
function remaining(timeoutMs: number): () => number {
  const end = performance.now() + timeoutMs;
  return () => (timeoutMs < 0 ? -1 : Math.max(0, Math.ceil(end - performance.now())));
}
