import { closeSync, openSync, readSync } from 'node:fs';
import { mappedFile, ProcessMaps } from '@vpmem/native';
import { PAGE_SIZE } from '@vpmem/page-tracker';

/** proc(5), /proc/PID/pagemap: an entry of 64 bits for each page, of which bit 63 says that it is present. */
const ENTRY = 8;
const PRESENT = 1n << 63n;

/** Which pages of a file a process has in its page tables: those it has touched since they were last taken away from it. */
export class TouchedPages {
  readonly #entry = Buffer.alloc(ENTRY);
  readonly #pages: number;
  readonly #stretches: readonly { readonly start: bigint; readonly end: bigint; readonly offset: bigint }[];

  /** Of what the process maps of the file now. @throws node's error for /proc/PID: ENOENT, EACCES */
  constructor(pid: number, fd: number) {
    const maps = new ProcessMaps(pid);
    try {
      this.#stretches = maps.sharedMappings(mappedFile(fd)) ?? [];
    } finally {
      maps.close();
    }
    this.#pages = openSync(`/proc/${pid}/pagemap`, 'r');
  }

  has(page: number): boolean {
    const at = BigInt(page * PAGE_SIZE);
    return this.#stretches.some(({ start, end, offset }) => at >= offset && at - offset < end - start && this.#isPresent(start + at - offset));
  }

  close(): void {
    closeSync(this.#pages);
  }

  #isPresent(address: bigint): boolean {
    readSync(this.#pages, this.#entry, 0, ENTRY, Number(address / BigInt(PAGE_SIZE)) * ENTRY);
    return (this.#entry.readBigUInt64LE() & PRESENT) !== 0n;
  }
}
