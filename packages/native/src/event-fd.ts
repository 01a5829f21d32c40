import { closeSync, readSync, writeSync } from 'node:fs';
import { check, eventfd, fcntl } from './libc.ts';

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const F_SETFL = 4;

const ONE = Buffer.from('0100000000000000', 'hex');
const COUNT = Buffer.alloc(8);

/** A counter in the kernel that wakes whoever waits for it (eventfd(2)). */
export class EventFd {
  readonly fd: number;

  /** Takes over `fd` when given (an eventfd received from a peer), else makes a new one, close-on-exec. Never blocks. */
  constructor(fd?: number) {
    this.fd = fd ?? check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 'eventfd');
    // A peer could hand over a blocking one with its counter full, and our next signal would never return.
    if (fd !== undefined) check(fcntl(fd, F_SETFL, EFD_NONBLOCK), 'fcntl F_SETFL', `descriptor ${fd}`);
  }

  /** Adds 1. False when the peer's counter is full or the descriptor no eventfd: the peer's loss, not ours. */
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
