import { errno, ioSubmit, syscall } from '../libc.ts';
import { Mapping } from '../memory/mapping.ts';
import { createMemfd } from '../memory/memfd.ts';
import { SystemError } from '../system-error.ts';

/** Linux, asm/unistd.h */
const SYSCALLS = { x64: { setup: 206, getevents: 208, submit: 209 }, arm64: { setup: 0, getevents: 4, submit: 2 } } as const;

const EAGAIN = 11;
const ENOSYS = 38;

/** Linux, linux/aio_abi.h: struct iocb, and the commands and flags used here */
const IOCB = { size: 64, opcode: 16, fildes: 20, buf: 24, flags: 56, resfd: 60 } as const;
const IOCB_CMD_PREAD = 0;
const IOCB_FLAG_RESFD = 1;
/** struct io_event */
const EVENT_SIZE = 32;
const EVENTS = 64;

// The context's id, a pointer to the request, the request, and room for answers nobody looks at.
const CONTEXT_AT = 0;
const POINTER_AT = 8;
const IOCB_AT = 64;
const EVENTS_AT = 128;

let shared: AsyncIo | 'none' | undefined;

/**
 * io_submit(2), for the one thing it can and write(2) cannot: to signal an eventfd and be sure to return. The read that it
 * signals the end of is of nothing. One serves a thread; it lasts as long as the process.
 */
export class AsyncIo {
  readonly #numbers: (typeof SYSCALLS)['x64'] | (typeof SYSCALLS)['arm64'];
  readonly #arena = Mapping.anonymous(EVENTS_AT + EVENTS * EVENT_SIZE);
  readonly #view = new DataView(this.#arena.window(0, EVENTS_AT));
  readonly #context: bigint;
  readonly #pointer = this.#at(POINTER_AT);

  /** @throws SystemError where the kernel has none, or no more of them (fs.aio-max-nr) */
  private constructor() {
    const numbers = process.arch === 'x64' || process.arch === 'arm64' ? SYSCALLS[process.arch] : undefined;
    if (numbers === undefined) throw new SystemError(ENOSYS, 'io_setup');
    this.#numbers = numbers;
    if (this.#call(numbers.setup, BigInt(EVENTS), this.#at(CONTEXT_AT), 0n) === -1) throw new SystemError(errno(), 'io_setup');
    this.#context = this.#view.getBigUint64(CONTEXT_AT, true);
    this.#view.setBigUint64(POINTER_AT, this.#at(IOCB_AT), true);
    this.#view.setUint16(IOCB_AT + IOCB.opcode, IOCB_CMD_PREAD, true);
    this.#view.setUint32(IOCB_AT + IOCB.fildes, createMemfd('nothing', 0), true);
    this.#view.setBigUint64(IOCB_AT + IOCB.buf, this.#at(EVENTS_AT), true);
    this.#view.setUint32(IOCB_AT + IOCB.flags, IOCB_FLAG_RESFD, true);
  }

  /** That of this thread; undefined where the kernel, or whoever filters system calls, has none for us. */
  static ofThread(): AsyncIo | undefined {
    if (shared === undefined) {
      try {
        shared = new AsyncIo();
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        shared = 'none';
      }
    }
    return shared === 'none' ? undefined : shared;
  }

  /** Adds 1 to the counter of an eventfd, or leaves it full, and never waits. False if `fd` is none. */
  signal(fd: number): boolean {
    this.#view.setUint32(IOCB_AT + IOCB.resfd, fd, true);
    if (this.#submit()) return true;
    // Answers take up the room of requests until somebody takes them.
    if (errno() !== EAGAIN) return false;
    this.#call(this.#numbers.getevents, this.#context, 0n, BigInt(EVENTS), this.#at(EVENTS_AT));
    return this.#submit();
  }

  #submit(): boolean {
    return ioSubmit(this.#numbers.submit, this.#context, 1, this.#pointer) === 1;
  }

  #call(number: number, a: bigint, b: bigint, c: bigint, d = 0n): number {
    return Number(syscall(number, a, b, c, d, 0n));
  }

  #at(offset: number): bigint {
    return this.#arena.address + BigInt(offset);
  }
}
