#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { deviceProperties, objectProperties } from '@vpmem/machine';
import { DMA_ADVICE, quoteForShell } from '@vpmem/qemu';
import { Machine } from '@vpmem/served-machine';
import { runService, type MachineParts, type OwnedMachine, type Program } from '@vpmem/service';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const vpmemd: Program = {
  name: 'vpmemd',
  version,
  types: { object: objectProperties, device: deviceProperties },
  help: {
    before: `usage: vpmemd [OPTION [ARGUMENT]]…

Serves each -device, on the memory of its -object, to a virtual machine.
`,
    after: `Prints one line per device to paste into a QEMU (10.1 or newer) command line, one of advice, then 'vpmemd: ready'.
The VM's RAM has to be shareable:
  -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram
SIGTERM, SIGINT or SIGHUP: makes everything durable, removes the sockets, exits.
Exit status: 0 stopped in good order, 1 an option is wrong or cannot be had, 70 an error of vpmemd's own.
`,
  },
  complaint: ({ devices, monitors }) =>
    devices.length > 0 || monitors.some(({ name }) => name !== 'chardev')
      ? undefined
      : 'there is no -device, so nothing to serve, and no -monitor or -qmp to add one; vpmemd -help shows how',
  machine: serve,
  announce: (devices) => (devices.length === 0 ? [] : [...devices.map(({ plug }) => `-device ${quoteForShell([JSON.stringify(plug)])}`), DMA_ADVICE]),
};

process.exitCode = await runService(vpmemd, process.argv.slice(2));

function serve({ setup: { name }, socketFolder, warning, failed }: MachineParts): OwnedMachine {
  const machine = new Machine({ warning, failed }, { ...(name !== undefined && { name }), ...(socketFolder !== undefined && { socketFolder }) });
  return {
    managed: machine,
    end: async (reason) => {
      if (reason === 'signal') machine.end('host-signal');
      await machine.close();
    },
    abandon: () => machine.abandon(),
  };
}
