import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Guest } from './guest.ts';
import { makeInitramfs, type GuestContents } from './initramfs.ts';
import { kernelLine, type BootWay } from './kernel-line.ts';
import type { KernelName } from './kernel-package.ts';
import { machineArguments, ramArguments, type Accelerator, type RamOptions } from './machine-arguments.ts';
import { QemuProcess } from './qemu-process.ts';
import type { Testbed } from './testbed.ts';
import { findVmlinux } from './vmlinux.ts';

export interface GuestOptions extends RamOptions, GuestContents {
  readonly testbed: Testbed;
  /** 6.12 if not given. */
  readonly kernel?: KernelName;
  /** Of QEMU's `-machine`; `pc` if not given. */
  readonly machine?: string;
  /** What carries out the guest's instructions; `tcg` if not given, which is the same everywhere. `kvm` is not tried beforehand. */
  readonly accelerator?: Accelerator;
  /** What boots the machine: SeaBIOS if not given, or UEFI (Debian's OVMF), whose variables are forgotten with the guest. */
  readonly firmware?: 'seabios' | 'ovmf';
  /** Arguments for QEMU that are part of the machine, so that a guest that is resumed was saved with them: a processor, devices that it booted with. */
  readonly machineArgs?: readonly string[];
  /** Further arguments for QEMU; they come last, so they also override. */
  readonly qemuArgs?: readonly string[];
  /** Further character devices to make, by the ids that other arguments name them by, and what to do with the connection of each. */
  readonly channels?: Readonly<Record<string, (socket: Socket) => void>>;
  /** `quick` if not given; `plain` for what is measured: the bzImage, and nothing switched off in the kernel. */
  readonly boot?: BootWay;
  /** More for the kernel's command line. */
  readonly append?: string;
  /** Changes QEMU's command line, as by putting a program before it that starts QEMU. */
  readonly command?: (line: string[]) => string[];
  /** Whether to wait until the guest takes commands, which is the default, or only until QEMU's monitor does. */
  readonly until?: 'ready' | 'running';
  /** For coming up, in milliseconds; 240,000 if not given. */
  readonly timeout?: number;
}

/** Boots a guest. @throws TestbedError with the console and QEMU's output if that does not work; nothing is left of it then */
export async function startGuest(options: GuestOptions): Promise<Guest> {
  const { until = 'ready', timeout } = options;
  const guest = new Guest();
  await launch(guest, await bootArguments(options, guest.token), options);
  if (until === 'running') return guest;
  try {
    await guest.waitReady(1, timeout === undefined ? {} : { timeout });
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}

/** @internal What makes QEMU's machine and has it boot, without what a caller adds. */
export async function bootArguments(options: GuestOptions, token: string): Promise<string[]> {
  const { testbed, firmware = 'seabios', append = '', boot = 'quick', machineArgs = [] } = options;
  const kernel = testbed.kernels[options.kernel ?? '6.12'];
  const initramfs = await makeInitramfs(testbed, kernel, options);
  // UEFI starts what is a program of it too, which the ELF file is not.
  const image = boot === 'quick' && firmware === 'seabios' ? await findVmlinux(testbed, kernel) : kernel.image;
  const line = kernelLine(boot, `vpmem.token=${token}`, ...(append === '' ? [] : [append]));
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...machineArguments(options),
    ...ramArguments(options),
    ...(firmware === 'ovmf' ? ovmfArguments(testbed) : []),
    ...['-kernel', image, '-initrd', initramfs, '-append', line],
    ...['-serial', 'chardev:console', '-serial', 'chardev:agent'],
    ...machineArgs,
  ];
}

/** @internal Starts the QEMU that a guest lives in from now on. @throws TestbedError */
export async function launch(guest: Guest, args: readonly string[], { testbed, qemuArgs = [], channels = {}, command }: GuestOptions): Promise<void> {
  const qemu = await QemuProcess.start({
    commandLine: (ours) => {
      const whole = [...testbed.qemuCommand, ...ours, ...args, ...qemuArgs];
      return command?.(whole) ?? whole;
    },
    direct: command === undefined,
    channels: { ...guest.channels, ...channels },
    context: () => guest.describe(),
  });
  guest.enter(qemu);
}

/** Code and variables in flash memory, as on a real board. */
function ovmfArguments({ tools }: Testbed): string[] {
  const flash = (unit: number, name: string, mode: string): string[] => ['-drive', `if=pflash,unit=${unit},format=raw,${mode},file=${join(tools.folder, 'usr/share/OVMF', name)}`];
  return [...flash(0, 'OVMF_CODE_4M.fd', 'readonly=on'), ...flash(1, 'OVMF_VARS_4M.fd', 'snapshot=on')];
}
