import { readdirSync, readFileSync } from 'node:fs';
import { MachineError } from '@vpmem/machine';

/** What a plug takes of QEMU and of this process, with some to spare; two more for each MSI-X vector. */
const NEEDED = 32;

/** @throws MachineError if one of the processes may run out of descriptors over a device: QEMU does not survive that */
export function checkDescriptorRoom(processes: readonly { readonly name: string; readonly pid: number }[], vectors: number): void {
  const needed = NEEDED + 2 * vectors;
  for (const { name, pid } of processes) {
    const free = freeDescriptors(pid);
    if (free === undefined || free >= needed) continue;
    throw new MachineError('machine-state', undefined, `${name} has ${free} file descriptors left and may need ${needed} for the device; raise the limit of open files (ulimit -n)`);
  }
}

/** How many more a process can open; undefined if it does not let itself be looked at. */
export function freeDescriptors(pid: number): number | undefined {
  try {
    const limit = Number(/^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? Infinity);
    // The limit is one of numbers: what lies above it, from before it was lowered, takes nothing away.
    return limit - readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) < limit).length;
  } catch {
    return undefined;
  }
}
