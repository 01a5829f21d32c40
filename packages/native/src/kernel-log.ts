import { closeSync, constants, openSync, readSync } from 'node:fs';
import { check, lseek } from './libc.ts';

const SEEK_END = 2;
/** The kernel gives a record at a time, of at most 1,024 bytes of text and what stands before it. */
const RECORD = 8192;

/** A line of the kernel's log. */
export interface KernelMessage {
  /** 0 emergency to 7 debug; 4 is a warning. */
  readonly level: number;
  readonly text: string;
}

/** What the kernel says from now on: /dev/kmsg, from its end. */
export class KernelLog {
  readonly #fd: number;
  readonly #record = Buffer.alloc(RECORD);

  /** @throws an error of node's where it cannot be read: not root and kernel.dmesg_restrict, or no /dev/kmsg */
  constructor() {
    this.#fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
    this.skip();
  }

  /** Passes over what has been said so far. */
  skip(): void {
    check(lseek(this.#fd, 0, SEEK_END), 'lseek', '/dev/kmsg');
  }

  /** What was said since the last call. */
  *take(): Generator<KernelMessage> {
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#fd, this.#record);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') return;
        // What was overwritten before it was read is passed over.
        if (code === 'EPIPE') continue;
        throw error;
      }
      const [head = '', ...rest] = this.#record.toString('utf8', 0, length).split(';');
      yield { level: Number(head.split(',')[0]) & 7, text: rest.join(';').split('\n')[0] ?? '' };
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
