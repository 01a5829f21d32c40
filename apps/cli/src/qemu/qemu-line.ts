// A QEMU command line in which the devices are ours, as its user hears of it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceId, pciPlacement, readDevice, readObject } from '@vpmem/machine';
import { quoteForShell, type KeepFile, type Substitution } from '@vpmem/qemu';
import { defaultSocketFolder } from '@vpmem/running-programs';
import { named } from '../option-problem.ts';
import { recordLine } from './qemu-recordings.ts';

/** One line for whoever runs `vpmem qemu`. */
export const complain = (text: string): unknown => process.stderr.write(`vpmem: ${text}\n`);

/** Tells of what is better written otherwise. */
export function warned(substitution: Substitution): Substitution {
  for (const text of substitution.warnings) complain(`warning: ${text}`);
  for (const { parsed, label } of [...substitution.objects, ...substitution.devices]) {
    for (const { message } of parsed.warnings) complain(`warning: ${label}: ${message}`);
  }
  return substitution;
}

/** @returns the exit status */
export function showHelp(lines: readonly string[]): number {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}

/** Shows the command, and on stderr the one that serves its devices. */
export function print(substitution: Substitution, { qemu, record }: { readonly qemu: string; readonly record: string | undefined }): number {
  if (substitution.help !== undefined) return showHelp(substitution.help);
  recordLine(substitution, record, complain);
  for (const { parsed, label } of substitution.objects) named(label, () => readObject(parsed));
  const served = substitution.devices.map(({ parsed, label }) => {
    const device = named(label, () => readDevice(parsed));
    const id = deviceId(device);
    return { id, socketPath: device.socket ?? join(defaultSocketFolder(), `${id}.sock`), pci: pciPlacement(device) };
  });
  if (served.length > 0) {
    const words = [
      ...(record === undefined ? [] : ['-record', record]),
      ...substitution.objects.flatMap(({ text }) => ['-object', text]),
      ...substitution.devices.flatMap(({ text }) => ['-device', text]),
    ];
    complain(`serve the devices first: vpmemd ${quoteForShell(words)}`);
  }
  // What is printed works as it is, so the files that it names stay.
  const keep: KeepFile = (name, text) => {
    const path = keepIn(mkdtempSync(join(tmpdir(), 'vpmem-qemu-')))(name, text);
    complain(`'${path}' is the file of -readconfig without what vpmem serves; remove it when it is not needed any more`);
    return path;
  };
  process.stdout.write(`${quoteForShell([qemu, ...substitution.args(served, keep)])}\n`);
  return 0;
}

/** Keeps files in a folder; several may have the same name. */
export function keepIn(folder: string): KeepFile {
  return (name, text) => {
    const path = join(mkdtempSync(join(folder, 'config-')), name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
}
