import type { ConfigFile, ConfigSection } from './config-file.ts';

/** Options of QEMU 11.1 that take no argument. */
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

/** Options of QEMU that take one. Of a newer QEMU there may be others. */
const WITH_ARGUMENT = new Set(
  (
    'D L M accel acpitable action add-fd append audio audiodev bios blockdev boot cdrom chardev chroot compat cpu d debugcon device dfilter ' +
    'display drive dtb dump-vmstate echr fda fdb fsdev fw_cfg g gdb global hda hdb hdc hdd icount incoming initrd iscsi k kernel loadvm m ' +
    'machine mem-path mon monitor msg mtdblock name net netdev nic numa object option-rom overcommit parallel pflash pidfile plugin prom-env ' +
    'qmp qmp-pretty readconfig rtc run-with runas sandbox sd seed semihosting-config serial set shim smbios smp spice tpmdev trace usbdevice ' +
    'uuid vga virtfs vnc watchdog-action xen-domid'
  ).split(' '),
);

/** One option of a command line with its argument, or a disk image that stands alone. */
export interface CommandLineItem {
  /** Without its dashes; absent for an image. */
  readonly option: string | undefined;
  readonly argument: string | undefined;
  /** The words as they were typed; none for what stands in a file. */
  readonly words: readonly string[];
  /** Of `-readconfig`: what is in it. Its sections are the items behind. */
  readonly file?: ConfigFile;
  /** Where in such a file it stands. */
  readonly section?: ConfigSection;
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
    const option = nameOf(word);
    const argument = takesArgument(option, args[i + 1]) ? args[++i] : undefined;
    items.push({ option, argument, words: argument === undefined ? [word] : [word, argument] });
  }
  return items;
}

/** Whether the last option lacks its argument: whatever was put behind it would be that. */
export function isIncomplete(items: readonly CommandLineItem[]): boolean {
  const { option, argument } = items.at(-1) ?? {};
  return option !== undefined && argument === undefined && WITH_ARGUMENT.has(option);
}

/** Of an option that is unknown here nobody knows: QEMU is about to refuse it, or it is a newer one. */
function takesArgument(option: string, next = ''): boolean {
  if (WITHOUT_ARGUMENT.has(option)) return false;
  return WITH_ARGUMENT.has(option) || !(next.startsWith('-') && (WITHOUT_ARGUMENT.has(nameOf(next)) || WITH_ARGUMENT.has(nameOf(next))));
}

function nameOf(word: string): string {
  return word.replace(/^--?/, '');
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
