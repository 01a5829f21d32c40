#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { runDemo } from './demo.ts';
import { runWithQemu } from './qemu-command.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const program = new Command('vpmem')
  .description('Persistent memory for virtual machines, from a program of its own.')
  .version(version)
  .showHelpAfterError('(vpmem --help lists the commands)');

program
  .command('qemu')
  .description('run a QEMU command line with its virtio-pmem devices served by this program')
  .argument('<args...>', "QEMU's own arguments, after --")
  .option('--qemu <path>', 'the QEMU to run, 10.1 or newer', 'qemu-system-x86_64')
  .option('--print', 'show the command instead of running it')
  .action(async (args: string[], options: { qemu: string; print?: boolean }) => {
    process.exitCode = await runWithQemu(args, { qemu: options.qemu, print: options.print ?? false });
  });

program
  .command('demo')
  .description('show what a virtio-pmem device does: in this process, behind a socket, and after kill -9')
  .action(async () => {
    process.exitCode = await runDemo();
  });

await program.parseAsync();
