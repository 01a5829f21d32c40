import { check, unshare } from '../libc.ts';

/** Linux, linux/sched.h */
const CLONE_FILES = 0x400;

/**
 * Gives the calling thread a table of descriptors of its own: a copy, which the kernel closes when the thread ends, even while another thread of the
 * process cannot. What it opens from now on no other thread has; what others close it still has.
 */
export function ownDescriptorTable(): void {
  check(unshare(CLONE_FILES), 'unshare CLONE_FILES');
}
