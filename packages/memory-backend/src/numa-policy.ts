import { readFileSync } from 'node:fs';
import { isInMemory, setFilePolicy } from '@vpmem/native';
import { BackendError } from './backend-error.ts';
import type { BackendOptions } from './backend-options.ts';

/** Linux, Documentation/ABI/stable/sysfs-devices-node: a list such as `0-1,4`. */
const NODES_WITH_MEMORY = '/sys/devices/system/node/has_memory';

/** The rules of QEMU, and that there are such nodes. @throws BackendError */
export function checkPolicy({ id, policy = 'default', hostNodes = [] }: BackendOptions): void {
  const what = `memory backend '${id}':`;
  if (policy === 'default') {
    if (hostNodes.length === 0) return;
    throw new BackendError('conflict', 'host-nodes', `${what} host-nodes=${hostNodes.join(',')} says nothing without a policy; add policy=bind, preferred or interleave`);
  }
  if (hostNodes.length === 0) throw new BackendError('conflict', 'host-nodes', `${what} policy=${policy} needs host-nodes, such as host-nodes=0`);
  const there = nodesWithMemory();
  const missing = hostNodes.find((node) => there?.includes(node) === false);
  if (missing === undefined) return;
  throw new BackendError('bad-node', 'host-nodes', `${what} this host has no memory on NUMA node ${missing}; it has on ${there?.join(', ') ?? ''}`);
}

/** Applies the policy to memory in which nothing has been touched, and says why that changes nothing, where that is so. @throws BackendError */
export function applyPolicy({ id, size, policy = 'default', hostNodes = [] }: BackendOptions, fd: number, offset: number): string | undefined {
  if (policy === 'default') return undefined;
  const what = `memory backend '${id}': policy=${policy} has no effect:`;
  if (!isInMemory(fd)) return `${what} the pages are those of the page cache, or huge pages, and come from where they are touched first`;
  try {
    setFilePolicy(fd, { offset, length: size }, { mode: policy, nodes: hostNodes });
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Containers are often not let do that.
    if (code === 'ENOSYS' || code === 'EPERM') return `${what} the kernel does not do that for us (${code})`;
    throw new BackendError('bad-node', 'host-nodes', `memory backend '${id}': the kernel refuses policy=${policy},host-nodes=${hostNodes.join(',')}: ${message}`, { cause: error });
  }
}

/** Undefined where the kernel does not say. */
function nodesWithMemory(): number[] | undefined {
  try {
    const ranges = readFileSync(NODES_WITH_MEMORY, 'utf8').trim().split(',');
    return ranges.flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  } catch {
    return undefined;
  }
}
