import { join } from 'node:path';
import { followParent, runDaemonizedQemu, runQemu, type ChildExit, type Substitution } from '@vpmem/qemu';
import { anchorOption, type Background } from '@vpmem/service';

/** What a QEMU is started with when everything that it connects to is there. */
export interface QemuStart {
  readonly args: readonly string[];
  /** Of this program alone, and there as long as QEMU runs. */
  readonly folder: string;
  /** Called with its process id as soon as it has one. */
  readonly started: (pid: number) => void;
}

/** Runs QEMU to its end. @throws QemuError if it cannot be started */
export type QemuRunner = (start: QemuStart) => Promise<ChildExit>;

interface Chosen {
  readonly path: string;
  /** Descriptors that QEMU gets under their numbers. */
  readonly descriptors: readonly number[];
}

/** On this terminal, as this program's child, which ends when this program does. */
export function onTerminal({ path, descriptors, version, stdin }: Chosen & { readonly version: string; readonly stdin: 'inherit' | 'ignore' }): QemuRunner {
  return ({ args, started }) => runQemu(path, [...args, ...followParent(version)], { stdin, descriptors, started });
}

/** In the background, where QEMU takes itself when the VM is ready; this program, which is there already, lets go of the terminal then. */
export function inBackground({ path, descriptors, background, pidFile }: Chosen & { readonly background: Background; readonly pidFile: string | undefined }): QemuRunner {
  return ({ args, folder, started }) => {
    const file = pidFile ?? join(folder, 'pid');
    const whole = pidFile === undefined ? [...args, '-pidfile', file] : args;
    return runDaemonizedQemu(path, whole, { descriptors, pidFile: file, started, ready: () => background.detach() });
  };
}

/** The same with paths that mean what they meant although this program goes elsewhere. */
export function anchored(substitution: Substitution): Substitution {
  return { ...substitution, objects: substitution.objects.map(anchorOption), devices: substitution.devices.map(anchorOption) };
}
