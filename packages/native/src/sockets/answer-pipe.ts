import { closeSync } from 'node:fs';
import { check, errno, fcntl, ioctl, pipe2, splice, write } from '../libc.ts';
import { ARENA_BYTES, MessageArena } from './message-arena.ts';
import { WOULD_BLOCK } from './message-socket.ts';
import { SystemError } from '../system-error.ts';

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const FIONREAD = 0x541b;
const SPLICE_F_NONBLOCK = 2;
const EINTR = 4;
const EAGAIN = 11;

/**
 * A pipe between a process and a socket. What is in it outlives the process, if somebody else has the pipe too; and the kernel moves it on
 * into the socket without a moment in which it would be in both or in neither.
 */
export class AnswerPipe {
  readonly readEnd: number;
  readonly writeEnd: number;
  readonly #arena = MessageArena.ofThread();
  #capacity: number | undefined;

  /** Takes over the ends of another's; makes a new one, close-on-exec, without them. @throws SystemError EMFILE */
  constructor(ends?: readonly [readEnd: number, writeEnd: number]) {
    const made = new Int32Array(2);
    if (ends === undefined) check(pipe2(made, O_CLOEXEC | O_NONBLOCK), 'pipe2');
    [this.readEnd, this.writeEnd] = ends ?? [made[0] ?? -1, made[1] ?? -1];
  }

  /** Bytes that are in it. @throws SystemError if it is no pipe */
  get pending(): number {
    const count = Buffer.alloc(4);
    check(ioctl(this.readEnd, FIONREAD, count), 'ioctl FIONREAD', `descriptor ${this.readEnd}`);
    return count.readInt32LE();
  }

  /** Whether it can hold so many bytes while it is empty; if need be it grows, as far as the system lets it. */
  holds(length: number): boolean {
    if (length > ARENA_BYTES) return false;
    this.#capacity ??= fcntl(this.writeEnd, F_GETPIPE_SZ, 0);
    if (length > this.#capacity) this.#capacity = Math.max(this.#capacity, fcntl(this.writeEnd, F_SETPIPE_SZ, ARENA_BYTES));
    return length <= this.#capacity;
  }

  /** Puts into an empty one what it {@link holds}. @throws SystemError */
  put(bytes: Uint8Array): void {
    const { data, dataAddress } = this.#arena;
    data.set(bytes);
    for (;;) {
      const done = Number(write(this.writeEnd, dataAddress, bytes.length));
      if (done === bytes.length) return;
      if (done >= 0) throw new SystemError(EAGAIN, 'write', `a pipe with room for ${done} of ${bytes.length} bytes`);
      if (errno() !== EINTR) throw new SystemError(errno(), 'write', `descriptor ${this.writeEnd}`);
    }
  }

  /** Moves at most `length` bytes on into a socket that does not block; how many, or {@link WOULD_BLOCK}. @throws SystemError EPIPE */
  moveTo(socket: number, length: number): number {
    const moved = Number(splice(this.readEnd, null, socket, null, length, SPLICE_F_NONBLOCK));
    if (moved >= 0) return moved;
    if (errno() === EAGAIN || errno() === EINTR) return WOULD_BLOCK;
    throw new SystemError(errno(), 'splice', `descriptor ${socket}`);
  }

  close(): void {
    closeSync(this.readEnd);
    closeSync(this.writeEnd);
  }
}
