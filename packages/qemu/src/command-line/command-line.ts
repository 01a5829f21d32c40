/** Options of QEMU 11.1 that take no argument; every other takes one. */
const WITHOUT_ARGUMENT = new Set([
  'S',
  'daemonize',
  'enable-kvm',
  'enable-sync-profile',
  'full-screen',
  'h',
  'help',
  'jitdump',
  'mem-prealloc',
  'no-acpi',
  'no-fd-bootchk',
  'no-hpet',
  'no-reboot',
  'no-shutdown',
  'no-user-config',
  'nodefaults',
  'nographic',
  'old-param',
  'only-migratable',
  'perfmap',
  'preconfig',
  's',
  'semihosting',
  'snapshot',
  'usb',
  'version',
  'win2k-hack',
  'xen-attach',
  'xen-domid-restrict',
]);

/** One option of a command line with its argument, or a disk image that stands alone. */
export interface CommandLineItem {
  /** Without its dashes; absent for an image. */
  readonly option: string | undefined;
  readonly argument: string | undefined;
  /** The words as they were typed. */
  readonly words: readonly string[];
}

/** Splits a QEMU command line as QEMU does: an argument may look like an option, and one dash is as good as two. */
export function splitCommandLine(args: readonly string[]): CommandLineItem[] {
  const items: CommandLineItem[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    if (!word.startsWith('-') || word === '-') {
      items.push({ option: undefined, argument: word, words: [word] });
      continue;
    }
    const option = word.replace(/^--?/, '');
    const argument = WITHOUT_ARGUMENT.has(option) ? undefined : args[++i];
    items.push({ option, argument, words: argument === undefined ? [word] : [word, argument] });
  }
  return items;
}

/** Whether QEMU would read from the terminal: with a character device on stdio. */
export function usesTerminal(args: readonly string[]): boolean {
  return splitCommandLine(args).some(({ option, argument = '' }) => option === 'nographic' || (option !== undefined && CHARACTER_DEVICES.has(option) && /^(mon:)?stdio\b/.test(argument)));
}

/** Whether QEMU is to go into the background, and the file that it is to write its process id into. */
export interface BackgroundWish {
  readonly daemonize: boolean;
  readonly pidFile: string | undefined;
}

/** Of several pid files QEMU writes the last. */
export function readBackground(args: readonly string[]): BackgroundWish {
  const items = splitCommandLine(args);
  return { daemonize: items.some(({ option }) => option === 'daemonize'), pidFile: items.findLast(({ option }) => option === 'pidfile')?.argument };
}

/** Options whose argument is a character device. */
const CHARACTER_DEVICES = new Set(['chardev', 'debugcon', 'gdb', 'monitor', 'parallel', 'qmp', 'qmp-pretty', 'serial']);

/** A command line as one would type it in a POSIX shell. */
export function quoteForShell(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
