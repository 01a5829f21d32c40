/** RAM that a device outside QEMU can map too. */
export interface RamOptions {
  /** As of QEMU's `-m`, also with `slots=` and `maxmem=`; 512M if not given. */
  readonly memory?: string;
  /** Arguments that make the RAM; a shared memfd if not given, nothing (QEMU's own private RAM) if empty. */
  readonly ram?: readonly string[];
}

/** What carries out the guest's instructions: QEMU itself, or this machine's processor where `/dev/kvm` works. */
export type Accelerator = 'tcg' | 'kvm';

/** Arguments for the machine and for what it runs on. A processor of KVM's has all that the host's has, as copying memory is faster with it. */
export function machineArguments({ machine = 'pc', accelerator = 'tcg' }: { readonly machine?: string | undefined; readonly accelerator?: Accelerator | undefined }): string[] {
  return ['-machine', machine, ...(accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi'])];
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
