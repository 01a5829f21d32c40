import { closeSync, fstatSync, ftruncateSync, statfsSync } from 'node:fs';
import { check, fcntl, memfdCreate } from '../libc.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_HUGETLB = 4;
/** The kernel takes 249 bytes; the name is for people who look into /proc. */
const MAX_NAME = 249;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
/** Linux 5.1 */
const F_SEAL_FUTURE_WRITE = 16;
/** linux/memfd.h: the huge pages' size, as a power of two, stands from this bit on. */
const MFD_HUGE_SHIFT = 26;
/** Linux, linux/magic.h */
const HUGETLBFS_MAGIC = 0x9584_58f6;
const TMPFS_MAGIC = 0x0102_1994;
const RAMFS_MAGIC = 0x8584_58f6;
const WITHOUT_DISK: ReadonlySet<number> = new Set([TMPFS_MAGIC, RAMFS_MAGIC, HUGETLBFS_MAGIC]);

/**
 * A file of `size` bytes that lives in memory only; returns its descriptor, close-on-exec. Sealed, unless told otherwise,
 * so that nobody who gets the descriptor can change the size under a mapping. With `hugePages`, of the size given or of the
 * system's default size, which may run out, touching it can end the process all the same.
 *
 * @throws SystemError ENODEV for huge pages of a size that there are not
 */
export function createMemfd(name: string, size: number, options: { seal?: boolean; hugePages?: boolean | number } = {}): number {
  const { hugePages = false } = options;
  const huge = typeof hugePages === 'number' ? MFD_HUGETLB | (Math.log2(hugePages) << MFD_HUGE_SHIFT) : hugePages ? MFD_HUGETLB : 0;
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | huge;
  const fd = check(memfdCreate(name.slice(0, MAX_NAME), flags), 'memfd_create', name);
  try {
    ftruncateSync(fd, size);
    if (options.seal ?? true) check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 'fcntl F_ADD_SEALS', name);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/**
 * From now on nobody can write to a memfd that was made with `seal: false`, by write(2) (EPERM) or by a mapping made later, and nobody can change its size.
 * Mappings that can be written already stay so.
 *
 * @throws SystemError EINVAL before Linux 5.1
 */
export function sealFutureWrites(fd: number): void {
  check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL), 'fcntl F_ADD_SEALS', `descriptor ${fd}`);
}

/** What a descriptor from a stranger refers to. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** Bytes. */
  readonly size: number;
  /** A regular file (memfd and hugetlbfs included): no pipe, socket, directory or device. */
  readonly regular: boolean;
  /**
   * Touching a mapping cannot raise SIGBUS: the kernel promises that the size never goes down (F_SEAL_SHRINK), and that it finds
   * a page for every touch, as it does not for huge pages, of which there may be no more.
   */
  readonly neverFaults: boolean;
}

/** Looks at the seals before the size: a size read after F_SEAL_SHRINK was seen is a lower bound for good. */
export function identifyFile(fd: number): FileIdentity {
  const seals = fcntl(fd, F_GET_SEALS, 0);
  const stat = fstatSync(fd, { bigint: true });
  return {
    device: stat.dev,
    inode: stat.ino,
    size: Number(stat.size),
    regular: stat.isFile(),
    neverFaults: seals !== -1 && (seals & F_SEAL_SHRINK) !== 0 && !hasHugePages(fd),
  };
}

/** Whether a file lives in huge pages: it is on hugetlbfs, or a memfd of such. It has no write(2). */
export function hasHugePages(fd: number): boolean {
  return fileSystemOf(fd) === HUGETLBFS_MAGIC;
}

/** Whether a file lives in ordinary memory: it is on tmpfs, or a memfd. */
export function isInMemory(fd: number): boolean {
  return fileSystemOf(fd) === TMPFS_MAGIC;
}

/** Whether a sync of a file has nothing to do, and so cannot wait: it is on tmpfs, ramfs or hugetlbfs, or a memfd. */
export function neverWaits(fd: number): boolean {
  // A device's file is on a tmpfs as well; what is behind it is not.
  return fstatSync(fd).isFile() && livesInMemory(`/proc/self/fd/${fd}`);
}

/** Whether files in a folder, or at a path, live in memory and nowhere else: on tmpfs, ramfs or hugetlbfs. */
export function livesInMemory(path: string): boolean {
  return WITHOUT_DISK.has(statfsSync(path).type);
}

function fileSystemOf(fd: number): number {
  return statfsSync(`/proc/self/fd/${fd}`).type;
}
