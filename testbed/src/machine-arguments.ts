import type { BootWay } from './kernel-line.ts';

/** RAM that a device outside QEMU can map too. */
export interface RamOptions {
  /** As of QEMU's `-m`, also with `slots=` and `maxmem=`; 512M if not given. */
  readonly memory?: string;
  /** Arguments that make the RAM; a shared memfd if not given, nothing (QEMU's own private RAM) if empty. */
  readonly ram?: readonly string[];
}

/** What carries out the guest's instructions: QEMU itself, or this machine's processor where `/dev/kvm` works. */
export type Accelerator = 'tcg' | 'kvm';

export interface MachineOptions {
  readonly machine?: string | undefined;
  readonly accelerator?: Accelerator | undefined;
  readonly boot?: BootWay | undefined;
}

/**
 * Arguments for the machine and for what it runs on. A processor of KVM's has all that the host's has, as copying memory is faster with it;
 * one of TCG's has a source of random numbers, without which the kernel gathers them from the times of its interrupts.
 */
export function machineArguments({ machine = 'pc', accelerator = 'tcg', boot = 'quick' }: MachineOptions): string[] {
  if (accelerator === 'kvm') return ['-machine', machine, '-accel', 'kvm', '-cpu', 'host'];
  return ['-machine', machine, '-accel', 'tcg,thread=multi', ...(boot === 'quick' ? ['-cpu', 'qemu64,+rdrand'] : [])];
}

/** Arguments for `-m` and for what is behind it. */
export function ramArguments({ memory = '512M', ram }: RamOptions): string[] {
  return ['-m', memory, ...(ram ?? ['-object', `memory-backend-memfd,id=ram,size=${ramSize(memory)},share=on`, '-machine', 'memory-backend=ram'])];
}

/** The initial size in the argument of `-m`. */
function ramSize(memory: string): string {
  const [, size = '512'] = /(?:^|,)(?:size=)?(\d+[A-Za-z]?)(?:,|$)/.exec(memory) ?? [];
  // What has no unit is MiB for -m, and bytes for a backend.
  return /\d$/.test(size) ? `${size}M` : size;
}
