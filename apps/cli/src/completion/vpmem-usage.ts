import type { Command } from 'commander';
import { embeddedDeviceProperties, machineProperties } from '@vpmem/embedded-machine';
import { deviceProperties, objectProperties } from '@vpmem/machine';
import { qmpCommands } from '@vpmem/qmp';
import { programUsage } from '@vpmem/service';
import type { CommandUsage } from '@vpmem/usage';
import { commanderUsage } from './commander-usage.ts';

/** The command lines of our programs, by their names; `program` is `vpmem`. */
export function programUsages(program: Command): { readonly vpmem: CommandUsage; readonly vpmemd: CommandUsage } {
  const served = { object: objectProperties, device: deviceProperties };
  const vpmemd = programUsage('vpmemd', 'serves files to virtual machines as persistent memory', served);
  const run = runUsage();
  // Of QEMU's options these are the ones that our devices are made by.
  const qemu = { ...vpmemd, options: vpmemd.options.filter(({ words: [word] }) => word === '-object' || word === '-device') };
  const values = {
    'run args': { kind: 'command', command: run },
    'qemu args': { kind: 'command', command: { ...qemu, arguments: [{ name: 'args', required: false, many: true, description: '', value: { kind: 'file' } }] } },
    'upgrade name': { kind: 'program' },
    'monitor socket': { kind: 'program', files: true },
    'qmp socket': { kind: 'program', files: true },
    'qmp command': { kind: 'words', words: Object.keys(qmpCommands) },
  } as const;
  return { vpmem: commanderUsage(program, values), vpmemd };
}

/** `vpmem run` by the table of its options; commander knows nothing of them. */
export function runUsage(): CommandUsage {
  return programUsage('vpmem run', 'runs a machine with a guest that is part of it', { object: objectProperties, device: embeddedDeviceProperties, machine: machineProperties });
}
