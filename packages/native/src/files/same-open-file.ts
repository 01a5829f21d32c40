import { errno, fcntl, syscall } from '../libc.ts';

/** Linux 6.10, linux/fcntl.h */
const F_DUPFD_QUERY = 1027;
const SYS_KCMP = process.arch === 'x64' ? 312 : 272;
const KCMP_FILE = 0n;
const EBADF = 9;

/**
 * Whether two descriptors of this process are names for the same open file, as those are that dup(2) or a socket has made of one: not
 * whether it is the same file opened twice. False also where the kernel cannot tell, or does not let this process ask.
 *
 * @throws RangeError if one of them is not open
 */
export function sameOpenFile(a: number, b: number): boolean {
  const answer = fcntl(a, F_DUPFD_QUERY, b);
  if (answer !== -1) return answer === 1;
  if (errno() === EBADF) throw new RangeError(`descriptor ${a} or ${b} is not open`);
  return kcmp(a, b) === 0;
}

/**
 * An order of open files, in which two descriptors are equal (0) that are names for the same one; below 0: `a` comes first. It stays as it is
 * for as long as they are open. Undefined where the kernel has none, or does not let this process ask.
 *
 * @throws RangeError if one of them is not open
 */
export function compareOpenFiles(a: number, b: number): number | undefined {
  const order = kcmp(a, b);
  return order === 0 ? 0 : order === 1 ? -1 : order === 2 ? 1 : undefined;
}

/** kcmp(2): 0 for the same, 1 and 2 for an order, 3 or -1 where it cannot be told. */
function kcmp(a: number, b: number): number {
  const self = BigInt(process.pid);
  const order = Number(syscall(SYS_KCMP, self, self, KCMP_FILE, BigInt(a), BigInt(b)));
  if (order === -1 && errno() === EBADF) throw new RangeError(`descriptor ${a} or ${b} is not open`);
  return order;
}
