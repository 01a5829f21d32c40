// What a figure depends on beside the programs that are measured.
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import type { Accelerator, Guest } from '@vpmem/testbed';
import { fileSystemOf, type Mount } from './file-system.ts';

/** Load for each processor above which a machine counts as busy. */
const BUSY = 0.5;

export interface HostSurroundings {
  readonly kernel: string;
  readonly node: string;
  readonly processor: string;
  /** That this process may use. */
  readonly processors: number;
  /** Load averages of 1, 5 and 15 minutes, before anything of the bench began. */
  readonly load: readonly number[];
}

export interface GuestSurroundings {
  /** By QEMU's own word. */
  readonly accelerator: Accelerator;
  /** Why it is this one, where it could have been another. */
  readonly why?: string;
  readonly qemu: string;
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  /** Of the backing files. */
  readonly files: Mount;
}

/** @param before load averages with spaces between them, of a moment before this process; now, if there are none */
export function hostSurroundings(before = ''): HostSurroundings {
  const load = before === '' ? loadavg() : before.split(' ').map(Number);
  return { kernel: release(), node: process.versions.node, processor: cpus()[0]?.model.trim() ?? 'unknown', processors: availableParallelism(), load };
}

/** Asks a guest, and QEMU. @param folder of the backing files */
export async function guestSurroundings(guest: Guest, folder: string, why?: string): Promise<GuestSurroundings> {
  const { enabled } = (await guest.qmp('query-kvm')) as { enabled: boolean };
  const { qemu, package: name } = (await guest.qmp('query-version')) as { qemu: Record<'major' | 'minor' | 'micro', number>; package: string };
  const [kernel = '', processors = '', processor = ''] = (await guest.sh("uname -r; nproc; sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo")).split('\n');
  return {
    accelerator: enabled ? 'kvm' : 'tcg',
    ...(why === undefined ? {} : { why }),
    qemu: [`${qemu.major}.${qemu.minor}.${qemu.micro}`, ...(name === '' ? [] : [`(${name})`])].join(' '),
    kernel,
    processor,
    processors: Number(processors),
    files: fileSystemOf(folder),
  };
}

export function hostLines({ kernel, node, processor, processors, load }: HostSurroundings): string[] {
  return [
    `Host: Linux ${kernel}, ${counted(processors)} (${processor}), Node ${node}`,
    `Load before it began: ${load.map((each) => each.toFixed(2)).join(', ')} over 1, 5 and 15 minutes`,
    ...(isBusy({ processors, load }) ? [`This machine was busy before the bench began: a load of ${load[0]?.toFixed(2)} on ${counted(processors)}. Figures are worse than on a quiet one and differ more; low percentiles suffer least.`] : []),
  ];
}

export function guestLines({ accelerator, why, qemu, kernel, processor, processors, files }: GuestSurroundings): string[] {
  return [
    `Guest: Linux ${kernel}, ${counted(processors)} (${processor}), QEMU ${qemu}`,
    `Accelerator: ${accelerator.toUpperCase()}${why === undefined ? '' : `, because ${why}`}`,
    `Backing files: ${files.type} (${files.source} at ${files.folder}; ${files.options})`,
  ];
}

/** Whether more went on before than a figure can bear. */
export function isBusy({ processors, load }: Pick<HostSurroundings, 'processors' | 'load'>): boolean {
  return (load[0] ?? 0) > BUSY * processors;
}

function counted(processors: number): string {
  return `${processors} processor${processors === 1 ? '' : 's'}`;
}
