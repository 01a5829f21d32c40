import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { manualPage } from '@vpmem/usage';
import { programUsages, runUsage } from './vpmem-usage.ts';

const EXIT_STATUS = ['0 if all went well, 1 if something that was said is wrong or cannot be had, and what was said of a command beside that; 70 for an error of its own.'];
const ENVIRONMENT = ['XDG_RUNTIME_DIR: programs that run are found in vpmem there, and sockets that nobody named are made in it.'];

/** Writes the manual pages of `vpmem` and `vpmem run` into `folder`, which is made if it is not there. */
export function writeManual(folder: string, program: Command, { version, date }: { readonly version: string; readonly date: string }): void {
  const vpmem = { ...programUsages(program).vpmem, description: 'persistent memory for virtual machines, from a program of its own' };
  mkdirSync(folder, { recursive: true });
  const common = { version, date, sections: { 'Exit status': EXIT_STATUS, Environment: ENVIRONMENT } };
  const pages = {
    'vpmem.1': manualPage(vpmem, {
      ...common,
      description: [
        'vpmem runs a QEMU command line as it is, with the virtio-pmem devices in it served by a process outside QEMU; runs a machine with a guest of its own; asks programs that run how they are; and records what a guest makes durable, and tries every state that a power cut could have left.',
        'vpmem COMMAND --help tells of one command. Completion of bash, zsh and fish is printed by vpmem completion.',
      ],
      seeAlso: ['vpmem-run(1)', 'vpmemd(1)', 'qemu-system-x86_64(1)'],
    }),
    'vpmem-run.1': manualPage(runUsage(), {
      ...common,
      description: [
        'vpmem run runs a machine whose guest is a part of this program: it finds virtio-pmem and nvdimm devices as an operating system does, and uses them when a monitor says so.',
        "Options are QEMU's, with one dash or two, in any order. Without a monitor among them there is one on the terminal (-monitor stdio).",
      ],
      seeAlso: ['vpmem(1)', 'vpmemd(1)'],
    }),
  };
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);
}
