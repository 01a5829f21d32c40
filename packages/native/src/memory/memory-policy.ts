import { check, syscallOfSix } from '../libc.ts';
import { Mapping } from './mapping.ts';
import { SystemError } from '../system-error.ts';

/** Linux, asm/unistd.h */
const MBIND = { x64: 237, arm64: 235 } as const;
/** Linux, linux/mempolicy.h */
const MODES = { preferred: 1, bind: 2, interleave: 3 } as const;
const MAX_NODES = 1024;
const ENOSYS = 38;

/** Where pages of memory are to come from. */
export interface MemoryPolicy {
  readonly mode: keyof typeof MODES;
  /** NUMA nodes, each below 1024. */
  readonly nodes: readonly number[];
}

/**
 * Says where the pages of a file come from that are not there yet, whoever touches them first. For files that live in memory (tmpfs, a
 * memfd without huge pages), whose kernel keeps such a policy with the file; for others it has no effect.
 *
 * @throws SystemError EINVAL for nodes that there are not, ENOSYS where the kernel knows no NUMA
 */
export function setFilePolicy(fd: number, { offset, length }: { readonly offset: number; readonly length: number }, { mode, nodes }: MemoryPolicy): void {
  const number = process.arch === 'x64' || process.arch === 'arm64' ? MBIND[process.arch] : undefined;
  if (number === undefined) throw new SystemError(ENOSYS, 'mbind');
  const mapping = Mapping.ofFile(fd, { length, offset });
  const mask = Mapping.anonymous(MAX_NODES / 8);
  try {
    const bits = new Uint8Array(mask.window(0, MAX_NODES / 8));
    for (const node of nodes) bits[node >> 3] = (bits[node >> 3] ?? 0) | (1 << (node & 7));
    // The kernel takes one bit less than it is told.
    check(syscallOfSix(number, mapping.address, BigInt(length), BigInt(MODES[mode]), mask.address, BigInt(MAX_NODES + 1), 0n), 'mbind', `nodes ${nodes.join(',')}`);
  } finally {
    mask.unmap();
    mapping.unmap();
  }
}
