import { closeSync, openSync } from 'node:fs';
import { errno, ioctl } from '../libc.ts';
import { Mapping } from './mapping.ts';
import { SystemError } from '../system-error.ts';

/** Linux, linux/fs.h: struct pm_scan_arg and struct page_region */
const ARGUMENT = {
  bytes: 96,
  size: 0,
  flags: 8,
  start: 16,
  end: 24,
  walkEnd: 32,
  vec: 40,
  vecLength: 48,
  maxPages: 56,
  inverted: 64,
  mask: 72,
  anyOf: 80,
  returned: 88,
} as const;
const REGION_WORDS = 3;
const PAGEMAP_SCAN = 0xc060_6610;
const PM_SCAN_WP_MATCHING = 1n;
const PM_SCAN_CHECK_WPASYNC = 2n;
const PAGE_IS_WRITTEN = 1n << 1n;
const PAGE_IS_PRESENT = 1n << 3n;
const PAGE_IS_SWAPPED = 1n << 4n;
const EPERM = 1;
/** Stretches that one call can answer; more take more calls. */
const REGIONS = 512;
const PAGE = 4096n;

/**
 * Which pages a scan looks for: `written` since they were last protected (the kernel's quick way: a page table entry that was taken away
 * counts), or `missing`, those of which the page tables know nothing.
 */
export type PageMatch = 'written' | 'missing';

const MATCHES = {
  // Exactly these masks, and the kernel takes its quick way, which is the one that counts entries that were taken away.
  written: { inverted: 0n, mask: PAGE_IS_WRITTEN, returned: PAGE_IS_WRITTEN },
  missing: { inverted: PAGE_IS_PRESENT | PAGE_IS_SWAPPED, mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED, returned: PAGE_IS_PRESENT },
} as const satisfies Record<PageMatch, unknown>;

/**
 * The page tables of a process, for memory that is write-protected by userfaultfd(2) in the asynchronous way. Stays with the memory
 * that the process had when this was opened, whatever it executes later and whoever gets its number.
 */
export class PageMap {
  readonly #fd: number;
  readonly #argument = Buffer.alloc(ARGUMENT.bytes);
  readonly #memory: Mapping;
  readonly #regions: BigUint64Array;

  /** @throws node's error for /proc/PID/pagemap: ENOENT, EACCES */
  constructor(pid: number) {
    this.#fd = openSync(`/proc/${pid}/pagemap`, 'r');
    this.#memory = Mapping.anonymous(REGIONS * REGION_WORDS * 8);
    this.#regions = new BigUint64Array(this.#memory.window(0, REGIONS * REGION_WORDS * 8));
    this.#argument.writeBigUInt64LE(BigInt(ARGUMENT.bytes), ARGUMENT.size);
  }

  /**
   * Visits the stretches that match from address `start` to `end`, and protects them against writing, each page at the moment it is
   * looked at. What was answered before an error is not protected any more than what was not.
   *
   * @returns false where not all of it is write-protected asynchronously: what was visited is then incomplete
   * @throws SystemError ESRCH where the process is gone, EINVAL or ENOTTY before Linux 6.7
   */
  takeMatching(match: PageMatch, start: bigint, end: bigint, visit: (start: bigint, end: bigint) => void): boolean {
    const argument = this.#argument;
    const { inverted, mask, returned } = MATCHES[match];
    for (let at = start; at < end; ) {
      this.#prepare(PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, at, end, REGIONS);
      argument.writeBigUInt64LE(inverted, ARGUMENT.inverted);
      argument.writeBigUInt64LE(mask, ARGUMENT.mask);
      argument.writeBigUInt64LE(returned, ARGUMENT.returned);
      const count = this.#scan();
      if (count === undefined) return false;
      for (let i = 0; i < count * REGION_WORDS; i += REGION_WORDS) visit(this.#regions[i] ?? 0n, this.#regions[i + 1] ?? 0n);
      const walked = argument.readBigUInt64LE(ARGUMENT.walkEnd);
      // The kernel walks on whenever there is room for an answer.
      if (walked <= at) throw new SystemError(EPERM, 'ioctl PAGEMAP_SCAN', `stood still at 0x${at.toString(16)}`);
      at = walked;
    }
    return true;
  }

  /** Protects every page from address `start` to `end`, also where nothing is yet; false as {@link takeMatching}. @throws SystemError */
  protect(start: bigint, end: bigint): boolean {
    this.#prepare(PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, start, end, 0);
    return this.#scan() !== undefined;
  }

  /** Whether the page at an address is in memory that is write-protected asynchronously; true where nothing is mapped. @throws SystemError */
  isTracked(address: bigint): boolean {
    this.#prepare(PM_SCAN_CHECK_WPASYNC, address, address + PAGE, 1);
    // Asks for what no page is; the check comes first.
    this.#argument.writeBigUInt64LE(PAGE_IS_PRESENT | PAGE_IS_SWAPPED, ARGUMENT.mask);
    this.#argument.writeBigUInt64LE(PAGE_IS_PRESENT, ARGUMENT.returned);
    return this.#scan() !== undefined;
  }

  close(): void {
    closeSync(this.#fd);
    this.#memory.unmap();
  }

  #prepare(flags: bigint, start: bigint, end: bigint, regions: number): void {
    const argument = this.#argument;
    argument.fill(0, ARGUMENT.flags);
    argument.writeBigUInt64LE(flags, ARGUMENT.flags);
    argument.writeBigUInt64LE(start, ARGUMENT.start);
    argument.writeBigUInt64LE(end, ARGUMENT.end);
    if (regions === 0) return;
    argument.writeBigUInt64LE(this.#memory.address, ARGUMENT.vec);
    argument.writeBigUInt64LE(BigInt(regions), ARGUMENT.vecLength);
  }

  /** How many regions were answered; undefined for EPERM. */
  #scan(): number | undefined {
    const count = ioctl(this.#fd, PAGEMAP_SCAN, this.#argument);
    if (count >= 0) return count;
    if (errno() === EPERM) return undefined;
    throw new SystemError(errno(), 'ioctl PAGEMAP_SCAN');
  }
}
