import type { OptionSyntax } from '@vpmem/options';

/** The programs that take these options. */
export type ProgramName = 'vpmemd' | 'vpmem run';

/** Parts of the list that `-help` prints. */
export const OPTION_SECTIONS = ['Memory and devices', 'Monitors', 'Program', 'Help'] as const;

/** One option of the command line. */
export interface OptionDeclaration {
  readonly section: (typeof OPTION_SECTIONS)[number];
  /** Other spellings. */
  readonly aliases?: readonly string[];
  /** What stands after it; absent where nothing does. */
  readonly argument?: string;
  /** What a second one does: is added, is merged with the first (later values win), or is a mistake; without effect for a flag. */
  readonly again?: 'adds' | 'merges' | 'refused';
  /** How its argument is read where it has properties. */
  readonly syntax?: OptionSyntax;
  /** The section of a `-readconfig` file that says the same. */
  readonly group?: string;
  /** What it does, in lines that `-help` prints as they are. */
  readonly help: readonly string[];
  /** Programs that refuse it, and why. */
  readonly refusedBy?: Partial<Record<ProgramName, string>>;
}

const THE_VM_HAS_THEM = 'machine, memory and processors are the VM\'s own; give it to the VM';

/** Every option there is: parsing, `-help` and docs/options.md come from here. Names are without dashes; one is as good as two. */
export const OPTION_TABLE = {
  object: {
    section: 'Memory and devices',
    argument: 'TYPE,id=ID[,PROPERTY=VALUE]…',
    again: 'adds',
    syntax: { grammar: 'qemuopts', impliedKey: 'qom-type', help: true },
    group: 'object',
    help: ['makes an object, such as', 'memory-backend-file,id=ID,mem-path=FILE,size=SIZE,share=on'],
  },
  device: {
    section: 'Memory and devices',
    argument: 'TYPE[,id=ID][,PROPERTY=VALUE]…',
    again: 'adds',
    syntax: { grammar: 'qemuopts', impliedKey: 'driver', help: true },
    group: 'device',
    help: ['makes a device, such as', 'virtio-pmem-pci,memdev=ID[,id=ID]'],
  },
  record: {
    section: 'Memory and devices',
    argument: 'FOLDER',
    again: 'refused',
    help: ['records what the guest of each -device virtio-pmem-pci', 'makes durable, flush by flush, in FOLDER/ID.vpmrec; what', 'record=FILE of its -object does for one'],
  },
  machine: {
    section: 'Memory and devices',
    aliases: ['M'],
    argument: '[type=]TYPE[,PROPERTY=VALUE]…',
    again: 'merges',
    syntax: { grammar: 'keyval', impliedKey: 'type', help: true },
    group: 'machine',
    help: ['the kind of machine: pc or q35'],
    refusedBy: { vpmemd: THE_VM_HAS_THEM },
  },
  m: {
    section: 'Memory and devices',
    argument: '[size=]MEGS[,slots=N][,maxmem=SIZE]',
    again: 'merges',
    syntax: { grammar: 'qemuopts', impliedKey: 'size' },
    group: 'memory',
    help: ['RAM; slots for memory devices; RAM and devices', 'together at most'],
    refusedBy: { vpmemd: THE_VM_HAS_THEM },
  },
  S: {
    section: 'Memory and devices',
    help: ['does not start the guest; cont at a monitor does'],
    refusedBy: { vpmemd: THE_VM_HAS_THEM },
  },
  monitor: {
    section: 'Monitors',
    argument: 'DEV',
    again: 'adds',
    help: ['a monitor for people (HMP) at DEV: stdio, none,', 'unix:PATH,server=on,wait=off, and tcp:HOST:PORT or', 'telnet:HOST:PORT likewise'],
  },
  qmp: {
    section: 'Monitors',
    argument: 'DEV',
    again: 'adds',
    help: ['a monitor for programs (QMP) at DEV'],
  },
  'qmp-pretty': {
    section: 'Monitors',
    argument: 'DEV',
    again: 'adds',
    help: ['the same with its JSON indented'],
  },
  chardev: {
    section: 'Monitors',
    argument: 'BACKEND,id=ID[,PROPERTY=VALUE]…',
    again: 'adds',
    syntax: { grammar: 'qemuopts', impliedKey: 'backend', help: true },
    group: 'chardev',
    help: ['where a monitor can be, such as', 'socket,id=ID,path=PATH,server=on,wait=off'],
  },
  mon: {
    section: 'Monitors',
    argument: '[chardev=]ID[,id=ID][,mode=readline|control][,pretty=on|off]',
    again: 'adds',
    syntax: { grammar: 'qemuopts', impliedKey: 'chardev' },
    group: 'mon',
    help: ['a monitor on the chardev ID, as is', '-object monitor-hmp|monitor-qmp,id=ID,chardev=ID'],
  },
  metrics: {
    section: 'Monitors',
    argument: 'ADDRESS',
    again: 'refused',
    help: ['figures for Prometheus at http://ADDRESS/metrics, where', 'ADDRESS is PORT (on 127.0.0.1), HOST:PORT or unix:PATH;', 'port 0: one that is free, which is said'],
  },
  name: {
    section: 'Program',
    argument: '[guest=]NAME[,process=NAME]',
    again: 'merges',
    syntax: { grammar: 'qemuopts', impliedKey: 'guest' },
    group: 'name',
    help: ['what query-name and vpmem ps call it, and what ps(1)', 'does'],
  },
  readconfig: {
    section: 'Program',
    argument: 'FILE',
    again: 'adds',
    help: ['options in QEMU\'s form for files:', '[object "ID"] and lines PROPERTY = "VALUE"'],
  },
  pidfile: {
    section: 'Program',
    argument: 'FILE',
    again: 'refused',
    help: ['writes the process id; meanwhile no other program', 'can use FILE'],
  },
  takeover: {
    section: 'Program',
    argument: 'NAME|PID|SOCKET',
    again: 'refused',
    help: ['takes the place of a vpmemd that runs: VMs go on', 'with this one. Without other options, with its options'],
    refusedBy: { 'vpmem run': 'its guest is part of it, and ends with it' },
  },
  daemonize: {
    section: 'Program',
    help: ['leaves the terminal once all is ready'],
  },
  keep: {
    section: 'Program',
    help: ['starts it again when it dies, by a small process that', 'holds what it had: its guests wait, and go on'],
    refusedBy: { 'vpmem run': 'its guest is in the same process, and dies with it; vpmemd has it' },
  },
  'run-with': {
    section: 'Program',
    argument: '[user=NAME|UID:GID][,exit-with-parent=on][,restart-burst=N]',
    again: 'merges',
    syntax: { grammar: 'qemuopts' },
    group: 'run-with',
    help: ['is that user from the first moment on, for all it', 'opens and makes; ends when who started it has; more', 'than N deaths within 10 seconds end a keeper (-keep)'],
  },
  D: {
    section: 'Program',
    argument: 'FILE',
    again: 'refused',
    help: ['appends messages to FILE, once all is ready'],
  },
  msg: {
    section: 'Program',
    argument: '[timestamp=on][,guest-name=on][,level=LEVEL][,format=text|json]',
    again: 'merges',
    syntax: { grammar: 'qemuopts', help: true },
    group: 'msg',
    help: ['what messages look like, and which there are:', 'LEVEL is debug, info, warning or error'],
  },
  help: { section: 'Help', aliases: ['h'], help: ['this list'] },
  version: { section: 'Help', help: ['the version'] },
} as const satisfies Readonly<Record<string, OptionDeclaration>>;

export type OptionName = keyof typeof OPTION_TABLE;

/** The declaration of an option, with everything it may have. */
export function declarationOf(name: OptionName): OptionDeclaration {
  return OPTION_TABLE[name];
}

/** All options in the order of the table. */
export const OPTION_NAMES = Object.keys(OPTION_TABLE) as readonly OptionName[];
