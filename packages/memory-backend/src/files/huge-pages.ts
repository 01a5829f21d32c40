import { fstatSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { Mapping } from '@vpmem/native';
import { BackendError } from '../backend-error.ts';
import type { BackendOptions } from '../backend-options.ts';

/** Linux, Documentation/admin-guide/mm/hugetlbpage.rst: what there is of huge pages, a folder for each size. */
const SYSFS = '/sys/kernel/mm/hugepages';

/** Where in a file that lives in huge pages the memory is. */
interface HugeSpan {
  readonly fd: number;
  readonly offset: number;
}

/** Bytes of the huge pages that an open file lives in. */
export function hugePageSize(fd: number): number {
  return fstatSync(fd).blksize;
}

/** Sizes of huge pages this kernel has, in bytes. */
export function hugePageSizes(): number[] {
  return listed().map((name) => Number(/-(\d+)kB$/.exec(name)?.[1] ?? 0) * 1024).sort((a, b) => a - b);
}

/** Memory in huge pages is whole huge pages. @throws BackendError */
export function checkWholePages({ id, size, ...options }: BackendOptions, page: number): void {
  const { offset = 0 } = 'offset' in options ? options : {};
  for (const [property, value, code] of [['size', size, 'bad-size'], ['offset', offset, 'bad-offset']] as const) {
    if (value % page === 0) continue;
    const below = Math.floor(value / page) * page;
    const choices = below === 0 && property === 'size' ? `${page}` : `${below} or ${below + page}`;
    throw new BackendError(code, property, `memory backend '${id}': ${property} ${value} is no multiple of the huge page size ${page}; ${choices} would be`);
  }
}

/**
 * Puts aside what is missing of the huge pages that the memory takes. Without that the first touch of a page that is not to be had
 * ends the VM. The pages stay with the file, until it goes.
 *
 * @throws BackendError `no-space`, with nothing put aside
 */
export function reserveHugePages(options: BackendOptions, { fd, offset }: HugeSpan): void {
  try {
    Mapping.ofFile(fd, { length: options.size, offset, reserve: true }).unmap();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOMEM') throw tooFew(options, fd, error);
    throw new BackendError('io', 'size', `memory backend '${options.id}': huge pages cannot be reserved: ${message}`, { cause: error });
  }
}

function tooFew({ id, size }: BackendOptions, fd: number, cause: unknown): BackendError {
  const page = hugePageSize(fd);
  const { blocks, size: fileSize } = fstatSync(fd);
  // Pages of a file that has all it needs in another part are not told apart.
  const there = fileSize === size ? Math.floor((blocks * 512) / page) : 0;
  const needed = size / page - there;
  const free = freePages(page);
  const kind = `huge page${needed === 1 ? '' : 's'} of ${page / 1024} KiB`;
  const what = `memory backend '${id}': ${size} bytes need ${needed} ${there === 0 ? '' : 'more '}${kind}, and ${free} ${free === 1 ? 'is' : 'are'} free`;
  return new BackendError('no-space', 'size', `${what}; ${advice(fd, page, needed, free)}`, { cause });
}

function advice(fd: number, page: number, needed: number, free: number): string {
  if (free < needed) return `write ${count(page, 'nr_hugepages') + needed - free} to ${folderOf(page)}/nr_hugepages, or give a smaller size`;
  const { blocks, bavail } = statfsSync(`/proc/self/fd/${fd}`);
  if (blocks > 0 && bavail < needed) return `but the mount's own limit (size=) leaves ${bavail}; raise that, or give a smaller size`;
  return 'but the kernel does not give them to this process (a limit of its cgroup or cpuset)';
}

/** Those that nobody has or has put aside, and those that the kernel may make on demand. */
function freePages(page: number): number {
  const onDemand = count(page, 'nr_overcommit_hugepages') - count(page, 'surplus_hugepages');
  return count(page, 'free_hugepages') - count(page, 'resv_hugepages') + Math.max(0, onDemand);
}

function count(page: number, what: string): number {
  try {
    return Number(readFileSync(`${folderOf(page)}/${what}`, 'utf8'));
  } catch {
    // Where sysfs is not mounted, nothing is known to be free.
    return 0;
  }
}

function folderOf(page: number): string {
  return `${SYSFS}/hugepages-${page / 1024}kB`;
}

function listed(): string[] {
  try {
    return readdirSync(SYSFS);
  } catch {
    return [];
  }
}
