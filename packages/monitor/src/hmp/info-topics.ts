import { findObject, type ManagedMachine, type RunState } from '@vpmem/machine';
import { flag, optionalWord } from './argument.ts';
import { defineCommand } from './hmp-command.ts';
import { completePath } from './option-completion.ts';
import { showMemdevs, showMemoryDevices, showMemorySize } from './show-memory.ts';
import { showFlatViews, showMtree } from './show-mtree.ts';
import { showPci } from './show-pci.ts';
import { showPmem } from './show-pmem.ts';
import { showQtree } from './show-qtree.ts';
import { showQomTree } from './show-qom.ts';

const STATUS: Readonly<Record<RunState, string>> = {
  running: 'running',
  paused: 'paused',
  prelaunch: 'paused (prelaunch)',
  shutdown: 'paused (shutdown)',
};

/** What a QEMU says of its own, without blank lines. */
async function foreignLines({ foreign }: ManagedMachine, line: string): Promise<string[]> {
  return foreign === undefined ? [] : (await foreign.humanCommand(line)).split(/\r?\n/).filter((text) => text !== '');
}

/** What `info` can tell, in the order of names. */
export const infoTopics = [
  defineCommand({
    names: ['chardev'],
    help: 'show the character devices',
    manual: 'One line for each monitor: what it is attached to, and whether a client is there.',
    arguments: {},
    run: ({ chardevs, print }) => chardevs().forEach(({ label, filename }) => print(`${label}: filename=${filename}`)),
  }),
  defineCommand({
    names: ['history'],
    help: 'show the command line history',
    manual: 'The lines that were entered at this monitor, 64 at most.',
    arguments: {},
    run: ({ history, print }) => history.forEach((line, index) => print(`${index}: '${line}'`)),
  }),
  defineCommand({
    names: ['memdev'],
    help: 'show memory backends',
    manual: 'Each memory backend and its settings.',
    arguments: {},
    run: async ({ machine, print }) => {
      (await foreignLines(machine, 'info memdev')).forEach(print);
      print(showMemdevs(machine.backends()).join('\n'));
    },
  }),
  defineCommand({
    names: ['memory-devices'],
    help: 'show memory devices',
    manual: 'Memory that is plugged in as a device: where it is, and on which backend.',
    arguments: {},
    run: async ({ machine, print }) => [...(await foreignLines(machine, 'info memory-devices')), ...showMemoryDevices(await machine.memoryDevices())].forEach(print),
  }),
  defineCommand({
    names: ['memory_size_summary'],
    help: 'show the bytes of RAM, and of memory devices if there can be any',
    manual: 'How much memory the guest has.',
    arguments: {},
    run: async ({ machine, print }) => showMemorySize(await machine.memorySize()).forEach(print),
  }),
  defineCommand({
    names: ['mtree'],
    params: '[-f]',
    help: 'show memory tree (-f: dump flat view for address spaces)',
    manual: 'What lies where in the address spaces; with `-f` only what an access really reaches.',
    arguments: { flat: flag('f') },
    run: async ({ machine, print }, { flat }) => {
      const spaces = await machine.addressSpaces();
      (flat ? showFlatViews(spaces) : showMtree(spaces)).forEach(print);
    },
  }),
  defineCommand({
    names: ['name'],
    help: 'show the current VM name',
    manual: 'What `-name` said.',
    arguments: {},
    run: ({ machine, print }) => {
      if (machine.name !== undefined) print(machine.name);
    },
  }),
  defineCommand({
    names: ['pci'],
    help: 'show PCI info',
    manual: 'PCI buses and what is on them: numbers, interrupt, BARs.',
    arguments: {},
    run: async ({ machine, print }) => showPci(await machine.pciBuses()).forEach(print),
  }),
  defineCommand({
    names: ['pmem'],
    help: 'show how the virtio-pmem devices are doing',
    manual:
      'A table of the virtio-pmem devices: who has it, what the driver has made of it, how many flushes were asked for, synced, ' +
      'answered by a sync shared with others, failed, and are in flight, and how long they took. Under it, sockets, what does not persist, what a power cut would cost and how that is found out, what is being recorded, planned faults, and the last errors.',
    ours: true,
    arguments: {},
    run: async ({ machine, print }) => showPmem(await machine.pmem()).forEach(print),
  }),
  defineCommand({
    names: ['qom-tree'],
    params: '[path]',
    help: 'show QOM composition tree',
    manual: 'The tree of objects from `path` on, by default from `/machine`.',
    example: ['info qom-tree /objects'],
    arguments: { path: optionalWord(completePath) },
    run: async ({ machine, print }, { path = '/machine' }) => {
      const node = findObject(await machine.tree(), path);
      if (node === undefined) print(`Path '${path}' could not be resolved.`);
      else showQomTree(path.split('/').filter((part) => part !== '').at(-1) ?? '', node).forEach(print);
    },
  }),
  defineCommand({
    names: ['qtree'],
    params: '[-b]',
    help: 'show device tree (-b: brief, omit properties)',
    manual: 'Buses and the devices on them, with their properties.',
    example: ['info qtree -b'],
    arguments: { brief: flag('b') },
    run: async ({ machine, print }, { brief }) => showQtree(await machine.mainBus(), brief).forEach(print),
  }),
  defineCommand({
    names: ['status'],
    help: 'show the current VM status (running|paused)',
    manual: 'Whether the guest runs.',
    arguments: {},
    run: async ({ machine, print }) => {
      // A QEMU has more states than a machine of ours.
      if (machine.foreign !== undefined) (await foreignLines(machine, 'info status')).forEach(print);
      else print(`VM status: ${STATUS[await machine.runState()]}`);
    },
  }),
  defineCommand({
    names: ['version'],
    help: 'show the version of this program',
    manual: 'The version of this program, not of a QEMU.',
    arguments: {},
    run: ({ version, print }) => print(version),
  }),
];
