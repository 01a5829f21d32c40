import { closeSync } from 'node:fs';
import { check, ioctl, syscall } from '../libc.ts';

/** Linux, asm/unistd_64.h */
const SYS_USERFAULTFD = 323;
const O_CLOEXEC = 0o2000000;
/** Linux, linux/userfaultfd.h */
const UFFD_USER_MODE_ONLY = 1;
const UFFD_API = 0xaan;
const UFFDIO_API = 0xc018_aa3f;
const UFFDIO_REGISTER = 0xc020_aa00;
const UFFDIO_REGISTER_MODE_WP = 2n;
const UFFD_FEATURE_WP_HUGETLBFS_SHMEM = 1n << 12n;
const UFFD_FEATURE_WP_UNPOPULATED = 1n << 13n;
const UFFD_FEATURE_WP_ASYNC = 1n << 15n;

/**
 * The system calls of userfaultfd(2) for memory whose pages are protected against writing so that the kernel itself takes the protection
 * off again, and remembers it: to be made by whichever process maps the memory.
 */
export const WriteProtection = {
  systemCall: SYS_USERFAULTFD,
  flags: O_CLOEXEC | UFFD_USER_MODE_ONLY,
  /** ioctl(2) on the new descriptor, with {@link apiArgument}. */
  api: UFFDIO_API,
  /** ioctl(2) for each stretch, with {@link registerArgument}. */
  register: UFFDIO_REGISTER,
} as const;

/** struct uffdio_api: what has to be there, Linux 6.7. */
export function apiArgument(): Buffer {
  return words(UFFD_API, UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC, 0n);
}

/** struct uffdio_register */
export function registerArgument(start: bigint, end: bigint): Buffer {
  return words(start, end - start, UFFDIO_REGISTER_MODE_WP, 0n);
}

function words(...values: bigint[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) buffer.writeBigUInt64LE(value, i * 8);
  return buffer;
}

/**
 * A descriptor with which this process can have its own memory protected.
 *
 * @throws SystemError EPERM where it is forbidden, EINVAL before Linux 6.7, ENOSYS
 */
export function openWriteProtection(): number {
  const fd = check(syscall(SYS_USERFAULTFD, BigInt(WriteProtection.flags), 0n, 0n, 0n, 0n), 'userfaultfd');
  try {
    check(ioctl(fd, UFFDIO_API, apiArgument()), 'ioctl UFFDIO_API');
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Prepares a stretch of addresses of this process for protection. @throws SystemError EPERM for what can never be written to, EBUSY */
export function registerWriteProtection(fd: number, start: bigint, end: bigint): void {
  check(ioctl(fd, UFFDIO_REGISTER, registerArgument(start, end)), 'ioctl UFFDIO_REGISTER');
}
