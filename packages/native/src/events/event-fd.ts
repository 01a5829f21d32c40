import { closeSync, readSync, writeSync } from 'node:fs';
import { check, eventfd } from '../libc.ts';

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

const ONE = Buffer.from('0100000000000000', 'hex');
const COUNT = Buffer.alloc(8);

/** A counter in the kernel that wakes whoever waits for it (eventfd(2)). */
export class EventFd {
  readonly fd: number;

  /** Takes over `fd` when given, one that another thread made like this; else makes a new one, close-on-exec, that never blocks. */
  constructor(fd?: number) {
    this.fd = fd ?? check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 'eventfd');
  }

  /** Adds 1. False when the counter is full. */
  signal(): boolean {
    try {
      writeSync(this.fd, ONE);
      return true;
    } catch {
      return false;
    }
  }

  /** Takes the count back to 0 and returns it; 0 when nothing had been signalled. */
  drain(): number {
    try {
      readSync(this.fd, COUNT, 0, 8, null);
      return Number(COUNT.readBigUInt64LE());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
