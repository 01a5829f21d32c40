import { errno, ptrace, ptraceWith, schedYield, waitpid } from '../libc.ts';
import { SystemError } from '../system-error.ts';

/** Linux, linux/ptrace.h */
const PTRACE_CONT = 7;
const PTRACE_GETREGS = 12;
const PTRACE_SETREGS = 13;
const PTRACE_DETACH = 17;
const PTRACE_SYSCALL = 24;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PTRACE_GETSIGMASK = 0x420a;
const PTRACE_SETSIGMASK = 0x420b;
const PTRACE_O_TRACESYSGOOD = 1n;
const PTRACE_EVENT_STOP = 128;
const WNOHANG = 1;
const __WALL = 0x4000_0000;
const SIGTRAP = 5;
/** What stands for a system call's stop. */
const SYSCALL_STOP = SIGTRAP | 0x80;
const SIGSTOP = 19;
/** sys/wait.h: the low byte of the status of what has stopped, and not ended */
const STOPPED = 0x7f;
const ESRCH = 3;
const EINTR = 4;
/** Microseconds of a stop are waited for awake, longer ones asleep. */
const AWAKE_MS = 2;

/** x86-64, sys/user.h: struct user_regs_struct, by what stands where; eight bytes each */
const REGISTERS = { bytes: 216, r10: 56, r9: 64, r8: 72, rax: 80, rdx: 96, rsi: 104, rdi: 112, origRax: 120, rip: 128, cs: 136 } as const;
const USER_CS_64 = 0x33n;
const SIGNAL_SET_BYTES = 8;

/** For waiting asleep. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Threads that did not come to stand still in time. */
const strays = new Set<PtracedThread>();

/** Why a thread that was to be held is not: it is stopped by a signal, does not stop in time, has gone, or runs 32-bit code. */
export type HoldProblem = 'stopped' | 'busy' | 'gone' | 'foreign';

/** A thread of another process, or of this one's child, that does what it is told by ptrace(2). All calls from one thread. */
export class PtracedThread {
  readonly tid: number;
  readonly #saved = Buffer.alloc(REGISTERS.bytes);
  readonly #mask = Buffer.alloc(SIGNAL_SET_BYTES);
  readonly #status = Buffer.alloc(4);
  #held = false;

  private constructor(tid: number) {
    this.tid = tid;
  }

  /**
   * Seizes a thread and waits, at most `limit` milliseconds, until it stands still. A thread that is not held afterwards has been let go
   * unchanged; one that is `busy` at {@link releaseStrays}.
   *
   * @throws SystemError EPERM: it may not be traced, or somebody else traces it
   */
  static hold(tid: number, limit: number): PtracedThread | HoldProblem {
    PtracedThread.releaseStrays();
    if (Number(ptrace(PTRACE_SEIZE, tid, 0n, PTRACE_O_TRACESYSGOOD)) === -1) {
      if (errno() === ESRCH) return 'gone';
      throw new SystemError(errno(), 'ptrace PTRACE_SEIZE', `thread ${tid}`);
    }
    const thread = new PtracedThread(tid);
    let problem: HoldProblem | undefined;
    try {
      problem = thread.#stop(limit);
    } catch (error) {
      thread.#letGo();
      if (!(error instanceof SystemError) || error.errno !== ESRCH) throw error;
      return 'gone';
    }
    if (problem === undefined) return thread;
    if (!thread.#letGo()) strays.add(thread);
    return problem;
  }

  /** Lets those go that were `busy` and have come to stand still meanwhile. To be called now and then, by the thread that held them. */
  static releaseStrays(): void {
    for (const thread of strays) if (thread.#letGo()) strays.delete(thread);
  }

  /** Where the thread stands, as the address of its next instruction. */
  get instruction(): bigint {
    return this.#saved.readBigUInt64LE(REGISTERS.rip);
  }

  /** Whether it stands in a system call, which goes on after {@link release}. */
  get inSystemCall(): boolean {
    return this.#saved.readBigInt64LE(REGISTERS.origRax) >= 0n;
  }

  /**
   * Has the thread make a system call by the instruction `syscall` at an address. No signal reaches it meanwhile.
   *
   * @returns what the call returned: a negative errno if it failed
   * @throws SystemError ESRCH: it has ended
   */
  call(at: bigint, number: number, ...args: readonly bigint[]): bigint {
    const registers = Buffer.from(this.#saved);
    registers.writeBigUInt64LE(BigInt(number), REGISTERS.rax);
    // Not in a system call: there is nothing to make again.
    registers.writeBigInt64LE(-1n, REGISTERS.origRax);
    registers.writeBigUInt64LE(at, REGISTERS.rip);
    const places = [REGISTERS.rdi, REGISTERS.rsi, REGISTERS.rdx, REGISTERS.r10, REGISTERS.r8, REGISTERS.r9];
    for (const [i, place] of places.entries()) registers.writeBigUInt64LE(args[i] ?? 0n, place);
    this.#exchange(PTRACE_SETREGS, registers);
    this.#toSystemCall();
    this.#toSystemCall();
    this.#exchange(PTRACE_GETREGS, registers);
    return registers.readBigInt64LE(REGISTERS.rax);
  }

  /** Lets the thread go on where it was, as if nothing had been. Does nothing if it has ended. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    let signal = 0;
    try {
      // Only a thread that stands where signals are taken makes an interrupted system call again: it is led there.
      this.#request(PTRACE_INTERRUPT);
      this.#request(PTRACE_CONT);
      const status = this.#waitForStop();
      if (status === undefined) return;
      if (status >> 16 !== PTRACE_EVENT_STOP) signal = stopSignal(status);
      this.#exchange(PTRACE_SETREGS, this.#saved);
      this.#exchange(PTRACE_SETSIGMASK, this.#mask, BigInt(SIGNAL_SET_BYTES));
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== ESRCH) throw error;
    } finally {
      ptrace(PTRACE_DETACH, this.tid, 0n, BigInt(signal));
    }
  }

  #stop(limit: number): HoldProblem | undefined {
    const until = performance.now() + limit;
    for (;;) {
      this.#request(PTRACE_INTERRUPT);
      const status = this.#wait(until);
      if (status === 'late') return 'busy';
      if (status === undefined) return 'gone';
      if (status >> 16 === PTRACE_EVENT_STOP) {
        if (stopSignal(status) !== SIGTRAP) return 'stopped';
        break;
      }
      // A signal came first: it is delivered, and the thread interrupted anew, because any stop takes back what was asked before.
      this.#request(PTRACE_CONT, BigInt(stopSignal(status)));
    }
    this.#exchange(PTRACE_GETREGS, this.#saved);
    if (this.#saved.readBigUInt64LE(REGISTERS.cs) !== USER_CS_64) return 'foreign';
    this.#exchange(PTRACE_GETSIGMASK, this.#mask, BigInt(SIGNAL_SET_BYTES));
    this.#exchange(PTRACE_SETSIGMASK, Buffer.alloc(SIGNAL_SET_BYTES, 0xff), BigInt(SIGNAL_SET_BYTES));
    this.#held = true;
    return undefined;
  }

  /** On to where a system call begins or ends. */
  #toSystemCall(): void {
    for (let signal = 0; ; ) {
      this.#request(PTRACE_SYSCALL, BigInt(signal));
      const status = this.#waitForStop();
      if (status === undefined) throw new SystemError(ESRCH, 'ptrace PTRACE_SYSCALL', `thread ${this.tid}`);
      if (stopSignal(status) === SYSCALL_STOP) return;
      // Nobody can block SIGSTOP: it takes effect when the thread is let go. Whatever else comes is our fault, and is not passed on.
      const stops = status >> 16 === PTRACE_EVENT_STOP || stopSignal(status) === SIGSTOP;
      if (!stops) throw new SystemError(EINTR, 'ptrace PTRACE_SYSCALL', `thread ${this.tid}, signal ${stopSignal(status)}`);
      signal = status >> 16 === PTRACE_EVENT_STOP ? 0 : SIGSTOP;
    }
  }

  /** Waits for a stop that comes, because the thread has nothing to wait for itself: its status, undefined if the thread has ended. */
  #waitForStop(): number | undefined {
    for (;;) {
      const status = this.#wait(Infinity);
      if (status !== 'late') return status;
    }
  }

  /** Waits for the next stop: its status, undefined if the thread has ended, 'late' if there is none in time. */
  #wait(until: number): number | undefined | 'late' {
    const awake = performance.now() + AWAKE_MS;
    for (;;) {
      const result = waitpid(this.tid, this.#status, WNOHANG | __WALL);
      if (result === this.tid) {
        const status = this.#status.readInt32LE();
        return (status & 0xff) === STOPPED ? status : undefined;
      }
      if (result === -1 && errno() !== EINTR) return undefined;
      const now = performance.now();
      if (now > until) return 'late';
      if (now < awake) schedYield();
      else Atomics.wait(NEVER, 0, 0, 1);
    }
  }

  #request(request: number, data = 0n): void {
    if (Number(ptrace(request, this.tid, 0n, data)) === -1) throw new SystemError(errno(), 'ptrace', `thread ${this.tid}`);
  }

  #exchange(request: number, data: Uint8Array, address = 0n): void {
    if (Number(ptraceWith(request, this.tid, address, data)) === -1) throw new SystemError(errno(), 'ptrace', `thread ${this.tid}`);
  }

  /** False as long as it does not stand still: it cannot be detached before. */
  #letGo(): boolean {
    if (Number(ptrace(PTRACE_DETACH, this.tid, 0n, 0n)) === 0) return true;
    const status = this.#wait(0);
    if (status === 'late') return false;
    const signal = status === undefined || status >> 16 === PTRACE_EVENT_STOP ? 0 : stopSignal(status);
    ptrace(PTRACE_DETACH, this.tid, 0n, BigInt(signal));
    return true;
  }
}

/** The signal, or what stands for one, of a stop. */
function stopSignal(status: number): number {
  return (status >> 8) & 0xff;
}
