import { writeSync } from 'node:fs';

/** What takes text to a file descriptor. */
export interface OutputLines {
  write(text: string): void;
}

/** Milliseconds until a descriptor that takes nothing at the moment is tried again. */
const PAUSE = 20;

/**
 * Writes to `fd` at once and whole, however long its reader takes; nothing that goes wrong there disturbs the program. What could
 * not be written, as on a full disk, is tried again before what comes next. `maxWaiting`: bytes that can wait so, default 1 MiB;
 * a text that would be more is lost.
 */
export function outputLines(fd: number, maxWaiting = 2 ** 20): OutputLines {
  let waiting = Buffer.alloc(0);
  let gone = false;
  return {
    write(text) {
      const bytes = Buffer.from(text);
      if (gone) return;
      if (waiting.length + bytes.length <= maxWaiting) waiting = Buffer.concat([waiting, bytes]);
      try {
        while (waiting.length > 0) waiting = waiting.subarray(writeSome(fd, waiting));
      } catch (error) {
        // Nobody reads any more, nor ever will.
        gone = (error as NodeJS.ErrnoException).code === 'EPIPE';
      }
    },
  };
}

/** Writes some of `bytes`; returns how many. A pipe or terminal that does not block, and is full, is waited for. @throws Error of node */
function writeSome(fd: number, bytes: Uint8Array): number {
  for (;;) {
    try {
      return writeSync(fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}
