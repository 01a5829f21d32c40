import { closeSync, fdatasyncSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cachedBytes, describeErrno, dropCached, mappedFile, ProcessMaps, PtracedThread, SystemError, type FileMapping, type HoldProblem } from '@vpmem/native';
import { CompareError } from './rig.ts';

const KIB = 1024;
/** x86-64, asm/unistd_64.h */
const SYS_MADVISE = 28;
/** Linux, asm-generic/mman-common.h */
const MADV_PAGEOUT = 21n;
/** Milliseconds. */
const HOLD_LIMIT = 3000;
/** Bytes of the instruction `syscall`. */
const INSTRUCTION = 2n;

const PROBLEMS: Readonly<Record<HoldProblem, string>> = {
  stopped: 'it is stopped by a signal',
  busy: 'it did not stand still in time',
  gone: 'it has ended',
  foreign: 'it runs no 64-bit code',
};

/** Memory of a process that is mapped and there, in bytes, by what is behind it (proc(5), status). Guest RAM in a memfd is `shmem`. */
export interface Resident {
  readonly anonymous: number;
  readonly file: number;
  readonly shmem: number;
}

/** What {@link Resident} is in the text of /proc/PID/status. */
export function readResident(status: string): Resident {
  return { anonymous: kib(status, 'RssAnon'), file: kib(status, 'RssFile'), shmem: kib(status, 'RssShmem') };
}

/** A line of /proc/meminfo or /proc/PID/status, in bytes. @throws CompareError if there is none */
export function kib(text: string, name: string): number {
  const found = new RegExp(String.raw`^${name}:\s+(\d+) kB$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new CompareError(`the kernel says nothing of ${name}`);
  return Number(found) * KIB;
}

/** Bytes of swap that this host has, used or not. */
export function swapBytes(): number {
  return kib(readFileSync('/proc/meminfo', 'utf8'), 'SwapTotal');
}

/** What a VM has of this host's memory: its QEMU, its RAM and the file that is its disk. The caller closes it. */
export class HostMemory {
  readonly #pid: number;
  readonly #ram: number;
  readonly #file: number;

  /** @throws CompareError if QEMU has no RAM in a memfd, node's error if the file cannot be opened */
  constructor(pid: number, path: string) {
    this.#pid = pid;
    this.#ram = openSync(ramOf(pid), 'r');
    this.#file = openSync(path, 'r+');
  }

  /** Of QEMU's process. */
  get resident(): Resident {
    return readResident(readFileSync(`/proc/${this.#pid}/status`, 'utf8'));
  }

  /** Bytes of the guest's RAM that are in memory. RSS does not tell: a page can stay in memory when nobody has it mapped any more. */
  get ram(): number {
    return cachedBytes(this.#ram);
  }

  /** Bytes of the file that are in this host's page cache. */
  get file(): number {
    return cachedBytes(this.#file);
  }

  /**
   * Has the kernel take back what it can of the file's cache, as it would if memory were short: what QEMU has mapped by
   * madvise(MADV_PAGEOUT), which QEMU is made to call, so that nobody has to be root; what is only cached by posix_fadvise.
   *
   * @returns why it could not be asked for what is mapped, if it could not
   */
  takeBackFile(): string | undefined {
    fdatasyncSync(this.#file);
    const refused = this.#pageOut(this.#file);
    // What was unmapped may still be held by another processor's list of pages; this call has such lists emptied.
    dropCached(this.#file);
    return refused;
  }

  /** The same of the guest's RAM. */
  takeBackRam(): string | undefined {
    return this.#pageOut(this.#ram);
  }

  close(): void {
    closeSync(this.#ram);
    closeSync(this.#file);
  }

  #pageOut(fd: number): string | undefined {
    const maps = new ProcessMaps(this.#pid);
    try {
      return pageOut(this.#pid, maps.sharedMappings(mappedFile(fd)) ?? []);
    } finally {
      maps.close();
    }
  }
}

/** A process's memfd that is its VM's RAM, as a path to open: the largest it has. */
function ramOf(pid: number): string {
  const folder = `/proc/${pid}/fd`;
  const paths = readdirSync(folder).map((name) => join(folder, name));
  const sized = paths.filter(isMemfd).map((path) => ({ path, size: sizeOf(path) }));
  const [largest] = sized.sort((a, b) => b.size - a.size);
  if (largest === undefined) throw new CompareError(`QEMU, process ${pid}, has no RAM in a memfd`);
  return largest.path;
}

function isMemfd(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('/memfd:');
  } catch {
    // Closed since the folder was read.
    return false;
  }
}

function sizeOf(path: string): number {
  const fd = openSync(path, 'r');
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

function pageOut(pid: number, mappings: readonly FileMapping[]): string | undefined {
  if (mappings.length === 0) return undefined;
  if (process.arch !== 'x64') return 'only on x86-64 can QEMU be made to ask for it';
  try {
    const thread = PtracedThread.hold(pid, HOLD_LIMIT);
    if (!(thread instanceof PtracedThread)) return `QEMU could not be made to ask for it: ${PROBLEMS[thread]}`;
    try {
      if (!thread.inSystemCall) return 'QEMU could not be made to ask for it: it was not waiting';
      for (const { start, end } of mappings) {
        const result = thread.call(thread.instruction - INSTRUCTION, SYS_MADVISE, start, end - start, MADV_PAGEOUT);
        if (result < 0n) return `madvise(MADV_PAGEOUT): ${describeErrno(Number(-result)).join(': ')}`;
      }
      return undefined;
    } finally {
      thread.release();
    }
  } catch (error) {
    if (error instanceof SystemError) return `QEMU could not be made to ask for it: ${error.message}`;
    throw error;
  }
}
