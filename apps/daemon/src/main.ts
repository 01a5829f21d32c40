#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { Program } from '@vpmem/service';
// Not by way of its index, with which everything would be loaded before it is known what is asked for.
import { runService } from '@vpmem/service/run-service';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const vpmemd: Program = {
  name: 'vpmemd',
  version,
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
  body: async () => (await import('./vpmemd-body.ts')).vpmemdBody,
};

process.exitCode = await runService(vpmemd, process.argv.slice(2));
