import { closeSync, readlinkSync, writeSync } from 'node:fs';
import { AsyncIo } from '../files/async-io.ts';
import { check, fcntl } from '../libc.ts';
import { SystemError } from '../system-error.ts';

const EINVAL = 22;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const ONE = Buffer.from('0100000000000000', 'hex');

/**
 * An eventfd that a peer gave away and still has. Signalling it never waits: the peer can make the descriptor blocking and
 * fill the counter at any moment, and a write would then not return. Without io_submit(2), that can happen.
 */
export class PeerEvent {
  readonly fd: number;
  readonly #io = AsyncIo.ofThread();

  /** Takes over `fd` if it is an eventfd; leaves it to the caller otherwise. @throws SystemError EINVAL */
  constructor(fd: number) {
    if (!isEventFd(fd)) throw new SystemError(EINVAL, 'eventfd', `descriptor ${fd}`);
    if (this.#io === undefined) check(fcntl(fd, F_SETFL, O_NONBLOCK), 'fcntl F_SETFL', `descriptor ${fd}`);
    this.fd = fd;
  }

  /** Adds 1; a counter that is full stays so. False if the kernel would not. */
  signal(): boolean {
    // A kernel too short of memory to take the request has still room for a write; better that than a guest that waits for ever.
    return this.#io?.signal(this.fd) === true || writeOne(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }
}

function writeOne(fd: number): boolean {
  try {
    return writeSync(fd, ONE) === ONE.length;
  } catch {
    return false;
  }
}

/** By its name in /proc: every other question can be made to wait for whoever serves the file. */
function isEventFd(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventfd]';
  } catch {
    return false;
  }
}
