import { closeSync, openSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { apiArgument, describeErrno, PtracedThread, registerArgument, SystemError, WriteProtection, type FileMapping, type HoldProblem } from '@vpmem/native';
import { startOf } from './child-watch.ts';
import { clientThreads } from './client-threads.ts';
import { Obstacle } from './obstacle.ts';
import type { Protection } from './protection.ts';

/** x86-64, asm/unistd_64.h */
const SYS = { close: 3, mmap: 9, munmap: 11, ioctl: 16 } as const;
const PROT_READ_WRITE = 3n;
const MAP_PRIVATE_ANONYMOUS = 0x22n;
const SCRATCH = 4096n;
const EPERM = 1n;
/** Milliseconds. */
const HOLD_LIMIT = 3000;
const OTHER_TRACKER_LIMIT = 2000;
/** The instruction `syscall`. */
const SYSCALL = Buffer.of(0x0f, 0x05);
const CODE_READ = 2 ** 20;

const PROBLEMS: Readonly<Record<HoldProblem, readonly [words: string, passesIn: number]>> = {
  stopped: ['is stopped by a signal', 200],
  busy: ['did not stand still in time', 60_000],
  gone: ['has ended a thread', 0],
  foreign: ['runs no 64-bit code', Infinity],
};

/** In another process: one of its threads is held for a moment by ptrace(2), and makes the system calls. x86-64 only. */
export class RemoteProtection implements Protection {
  readonly #pid: number;
  readonly #started: string | undefined;
  /** Of userfaultfd(2), in the other process. */
  #fd: bigint | undefined;

  /** `descriptor`: what another has left there; whoever it belongs to now. */
  constructor(pid: number, descriptor?: number) {
    this.#pid = pid;
    this.#started = startOf(pid);
    if (descriptor !== undefined) this.#fd = BigInt(descriptor);
  }

  get descriptor(): number | undefined {
    return this.#isOpen ? Number(this.#fd) : undefined;
  }

  register(mappings: readonly FileMapping[]): readonly FileMapping[] {
    if (!this.#isOpen) this.#fd = undefined;
    return this.#withThread((call, write) => {
      const scratch = succeed(call(SYS.mmap, 0n, SCRATCH, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1n & 0xffff_ffff_ffff_ffffn, 0n), 'mmap');
      const before = this.#fd;
      try {
        const fd = (this.#fd ??= this.#open(call, write, scratch));
        return mappings.filter(({ start, end, writable }) => {
          write(scratch, registerArgument(start, end));
          const result = call(SYS.ioctl, fd, BigInt(WriteProtection.register), scratch);
          // Of a file that is open for reading only.
          if (result === -EPERM && !writable) return false;
          succeed(result, 'ioctl UFFDIO_REGISTER');
          return true;
        });
      } catch (error) {
        if (before === undefined && this.#fd !== undefined) call(SYS.close, this.#fd);
        this.#fd = before;
        throw error;
      } finally {
        call(SYS.munmap, scratch, SCRATCH);
      }
    });
  }

  /** Takes the descriptor away again, and with it all protection. Where that cannot be done, it stays, and costs a fault now and then. */
  close(): void {
    try {
      if (this.#isOpen) this.#withThread((call) => call(SYS.close, this.#fd ?? 0n));
    } catch (error) {
      if (!(error instanceof Obstacle)) throw error;
    }
    this.#fd = undefined;
  }

  #open(call: Call, write: Write, scratch: bigint): bigint {
    const fd = succeed(call(WriteProtection.systemCall, BigInt(WriteProtection.flags)), 'userfaultfd');
    try {
      write(scratch, apiArgument());
      succeed(call(SYS.ioctl, fd, BigInt(WriteProtection.api), scratch), 'ioctl UFFDIO_API');
    } catch (error) {
      call(SYS.close, fd);
      throw error;
    }
    return fd;
  }

  get #isOpen(): boolean {
    if (this.#fd === undefined || startOf(this.#pid) !== this.#started) return false;
    try {
      return readlinkSync(`/proc/${this.#pid}/fd/${this.#fd}`) === 'anon_inode:[userfaultfd]';
    } catch {
      return false;
    }
  }

  #withThread<T>(use: (call: Call, write: Write) => T): T {
    const pid = this.#pid;
    let memory: number | undefined;
    let thread: PtracedThread | undefined;
    try {
      memory = openSync(`/proc/${pid}/mem`, 'r+');
      thread = this.#hold();
      // Whoever has the number now.
      if (startOf(pid) !== this.#started) throw new Obstacle(`process ${pid} has ended`);
      const [held, fd] = [thread, memory];
      const at = systemCallInstruction(pid, held, fd);
      return use(
        (number, ...args) => held.call(at, number, ...args),
        (address, bytes) => void writeSync(fd, bytes, 0, bytes.length, Number(address)),
      );
    } catch (error) {
      throw inWords(pid, error);
    } finally {
      thread?.release();
      if (memory !== undefined) closeSync(memory);
    }
  }

  #hold(): PtracedThread {
    const until = performance.now() + OTHER_TRACKER_LIMIT;
    for (let problem: HoldProblem | undefined; ; ) {
      try {
        for (const tid of clientThreads(this.#pid)) {
          const thread = PtracedThread.hold(tid, HOLD_LIMIT);
          if (thread instanceof PtracedThread) return thread;
          problem = thread;
          if (problem !== 'gone') break;
        }
      } catch (error) {
        // Another tracker of this process has it at the moment.
        if (error instanceof Obstacle && error.passesIn === 0 && performance.now() < until) continue;
        throw error;
      }
      const [words, passesIn] = PROBLEMS[problem ?? 'gone'];
      throw new Obstacle(`process ${this.#pid} ${words}`, passesIn);
    }
  }
}

type Call = (number: number, ...args: bigint[]) => bigint;
type Write = (address: bigint, bytes: Uint8Array) => void;

function succeed(result: bigint, call: string): bigint {
  if (result >= 0n || result < -4095n) return result;
  const [code, text] = describeErrno(Number(-result));
  throw new Obstacle(`${call} in it: ${text} (${code})`);
}

/** Where the thread has just made a system call, or somewhere in code that is mapped: first of all in the vDSO. */
function systemCallInstruction(pid: number, thread: PtracedThread, memory: number): bigint {
  if (thread.inSystemCall) {
    const bytes = Buffer.alloc(SYSCALL.length);
    readSync(memory, bytes, 0, bytes.length, Number(thread.instruction) - bytes.length);
    if (bytes.equals(SYSCALL)) return thread.instruction - BigInt(bytes.length);
  }
  const code = readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n').filter((line) => /^\S+ r.x/.test(line) && !line.endsWith('[vsyscall]'));
  for (const line of code.sort((a, b) => Number(b.endsWith('[vdso]')) - Number(a.endsWith('[vdso]')))) {
    const [start = 0, end = 0] = line.split(' ', 1)[0]?.split('-').map((text) => parseInt(text, 16)) ?? [];
    const bytes = Buffer.alloc(Math.min(end - start, CODE_READ));
    const found = bytes.subarray(0, readSync(memory, bytes, 0, bytes.length, start)).indexOf(SYSCALL);
    if (found !== -1) return BigInt(start + found);
  }
  throw new Obstacle(`process ${pid} has no syscall instruction that could be found`);
}

function inWords(pid: number, error: unknown): unknown {
  if (error instanceof Obstacle) return error.message.includes(String(pid)) ? error : new Obstacle(`process ${pid} cannot be tracked: ${error.message}`, error.passesIn);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EPERM' || code === 'EACCES') return new Obstacle(`process ${pid} may not be traced (${code}): same user and kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE, is needed`);
  if (code === 'ENOENT' || code === 'ESRCH') return new Obstacle(`process ${pid} has ended`, 0);
  return error instanceof SystemError ? new Obstacle(`process ${pid} cannot be tracked: ${error.message}`) : error;
}
