import { join } from 'node:path';
import { followParent, runDaemonizedQemu, runQemu, type ChildExit, type Substitution } from '@vpmem/qemu';
import { anchorOption, type Background } from '@vpmem/service';

/** What a QEMU is started with when everything that it connects to is there. */
export interface QemuStart {
  readonly args: readonly string[];
  /** Of this program alone, and there as long as QEMU runs. */
  readonly folder: string;
  /** Descriptors that QEMU gets under their numbers. */
  readonly descriptors: readonly number[];
  readonly stdin: 'inherit' | 'ignore';
  /** Called with its process id as soon as it has one. */
  readonly started: (pid: number) => void;
}

/** Runs QEMU to its end. @throws QemuError if it cannot be started */
export type QemuRunner = (start: QemuStart) => Promise<ChildExit>;

// What is added comes first: behind an option that lacks its argument it would be that.

/** On this terminal, as this program's child, which ends when this program does. */
export function onTerminal(path: string, version: string): QemuRunner {
  return ({ args, descriptors, stdin, started }) => runQemu(path, [...followParent(version), ...args], { stdin, descriptors, started });
}

/** In the background, where QEMU takes itself when the VM is ready; this program, which is there already, lets go of the terminal then. */
export function inBackground(path: string, { background, pidFile }: { readonly background: Background; readonly pidFile: string | undefined }): QemuRunner {
  return ({ args, folder, descriptors, started }) => {
    const file = pidFile ?? join(folder, 'pid');
    const whole = pidFile === undefined ? ['-pidfile', file, ...args] : args;
    return runDaemonizedQemu(path, whole, { descriptors, pidFile: file, started, ready: () => background.detach() });
  };
}

/** The same with paths that mean what they meant although this program goes elsewhere. */
export function anchored(substitution: Substitution): Substitution {
  return { ...substitution, objects: substitution.objects.map(anchorOption), devices: substitution.devices.map(anchorOption) };
}
