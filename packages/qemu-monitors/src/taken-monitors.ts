// The monitors that a QEMU command line asks for, taken out of QEMU's hands: what stands on the line afterwards makes QEMU
// listen, for each, at a socket that only vpmem knows, and vpmem serves the character device that the user named.
import { join } from 'node:path';
import { ChardevError } from '@vpmem/chardev';
import { MonitorError, type MonitorMode } from '@vpmem/monitor';
import { isOn, propertiesOf, type CommandLineItem } from '@vpmem/qemu';
import { readTakenChardev, readTakenDevice, type TakenChardev } from './taken-chardev.ts';

/** A monitor that vpmem serves. */
export interface TakenMonitor {
  /** The option it came from, as given: `-qmp stdio`. */
  readonly option: string;
  readonly mode: MonitorMode;
  readonly chardev: TakenChardev;
  /** Where QEMU's own monitor for it listens; undefined for a human monitor, whose words QEMU is asked for otherwise. */
  readonly socket: string | undefined;
  /** Where QEMU connects to with the console that is on the same character device, if one is. */
  readonly console: string | undefined;
}

/** The monitors of a QEMU command line, and what is left of it. */
export interface TakenMonitors {
  readonly monitors: readonly TakenMonitor[];
  /** The command line that is left for QEMU. */
  readonly items: readonly CommandLineItem[];
  /** Ids of the character devices that QEMU has in their place. */
  readonly chardevs: ReadonlySet<string>;
  /** Descriptors that were passed for monitors, so to vpmem now. */
  readonly descriptors: ReadonlySet<number>;
}

/** Options whose argument is a character device, or `mon:` and one. */
const DEVICE_OPTIONS: readonly (string | undefined)[] = ['serial', 'parallel', 'debugcon', 'gdb', 'virtioconsole'];
const MODES: Readonly<Record<string, MonitorMode>> = { monitor: 'readline', qmp: 'control', 'qmp-pretty': 'control-pretty' };

/** What a line without monitors comes to. */
export const NO_TAKEN: TakenMonitors = { monitors: [], items: [], chardevs: new Set(), descriptors: new Set() };

/** @param folder nobody else's, for sockets @throws MonitorError naming the option, if vpmem cannot serve one of them */
export function takeMonitors(items: readonly CommandLineItem[], folder: string): TakenMonitors {
  const untouched = { ...NO_TAKEN, items };
  const taken = new Taker(items, folder).take();
  if (taken === undefined) return untouched;
  const stdio = taken.monitors.filter(({ chardev }) => onStdio(chardev)).length + taken.items.filter(usesStdio).length;
  // QEMU says that there is only one, or none in the background, and ends.
  const most = items.some(({ option }) => option === 'daemonize') ? 0 : 1;
  return stdio > most ? untouched : taken;
}

function onStdio(chardev: TakenChardev): boolean {
  return chardev.kind === 'plain' && chardev.options.backend === 'stdio';
}

function usesStdio({ option, argument = '' }: CommandLineItem): boolean {
  return (DEVICE_OPTIONS.includes(option) || option === 'chardev') && /^(mon:)?stdio(,|$)/.test(argument);
}

/** A monitor on a character device that has an option of its own. */
interface Reference {
  readonly item: CommandLineItem;
  readonly mode: MonitorMode;
}

class Taker {
  readonly #items: readonly CommandLineItem[];
  readonly #folder: string;
  readonly #monitors: TakenMonitor[] = [];
  readonly #chardevs = new Set<string>();
  /** What stands in an item's place. */
  readonly #replaced = new Map<CommandLineItem, readonly CommandLineItem[]>();
  readonly #references = new Map<string, Reference[]>();

  constructor(items: readonly CommandLineItem[], folder: string) {
    this.#items = items;
    this.#folder = folder;
  }

  /** Undefined where QEMU is going to refuse the line. */
  take(): TakenMonitors | undefined {
    for (const item of this.#items) if (!this.#read(item)) return undefined;
    for (const [id, references] of this.#references) if (!this.#takeChardev(id, references)) return undefined;
    const more = this.#ofNographic();
    const items = [...this.#items.flatMap((item) => this.#replaced.get(item) ?? [item]), ...more];
    const descriptors = new Set(this.#monitors.flatMap(({ chardev }) => (chardev.kind === 'unix' && 'fd' in chardev.options.at ? [chardev.options.at.fd] : [])));
    return { monitors: this.#monitors, items, chardevs: this.#chardevs, descriptors };
  }

  /** Looks at one option; false where QEMU will refuse it. */
  #read(item: CommandLineItem): boolean {
    const { option = '', argument } = item;
    if (Object.hasOwn(MODES, option)) return argument === undefined || this.#takeDevice(item, argument.replace(/^mon:/, ''), MODES[option] ?? 'readline');
    if (DEVICE_OPTIONS.includes(option) && argument?.startsWith('mon:') === true) return this.#takeConsole(item, argument.slice('mon:'.length));
    if (option === 'mon') {
      const { chardev, mode = 'readline', pretty } = propertiesOf(argument ?? '', 'qemuopts', 'chardev');
      return this.#refer(item, chardev, mode === 'control' ? (isOn(pretty) ? 'control-pretty' : 'control') : 'readline');
    }
    if (option !== 'object') return true;
    const { 'qom-type': type, chardev, pretty } = propertiesOf(argument ?? '', 'qemuopts', 'qom-type');
    if (type === 'monitor-hmp') return this.#refer(item, chardev, 'readline');
    return type !== 'monitor-qmp' || this.#refer(item, chardev, isOn(pretty) ? 'control-pretty' : 'control');
  }

  #refer(item: CommandLineItem, chardev: unknown, mode: MonitorMode): boolean {
    if (typeof chardev !== 'string') return false;
    this.#references.set(chardev, [...(this.#references.get(chardev) ?? []), { item, mode }]);
    return true;
  }

  /** `-monitor`, `-qmp` or `-qmp-pretty`. */
  #takeDevice(item: CommandLineItem, device: string, mode: MonitorMode): boolean {
    if (device === 'none' || device === 'null') return true;
    if (device.startsWith('chardev:')) return this.#refer(item, device.slice('chardev:'.length), mode);
    const chardev = this.#attempt(item, () => readTakenDevice(device));
    if (chardev === undefined) return false;
    const socket = mode === 'readline' ? undefined : this.#path();
    this.#monitors.push({ option: textOf(item), mode, chardev, socket, console: undefined });
    this.#replace(item, socket === undefined ? 'null' : `unix:${escape(socket)},server=on,wait=off`);
    return true;
  }

  /** `-serial mon:DEVICE`: a console and a human monitor. */
  #takeConsole(item: CommandLineItem, device: string): boolean {
    const chardev = this.#attempt(item, () => readTakenDevice(device));
    if (chardev === undefined) return false;
    this.#replace(item, this.#console(textOf(item), chardev));
    return true;
  }

  /** What connects QEMU's console to where vpmem listens for it. */
  #console(option: string, chardev: TakenChardev): string {
    const console = this.#path();
    this.#monitors.push({ option, mode: 'readline', chardev, socket: undefined, console });
    return `unix:${escape(console)}`;
  }

  /** A character device with an option of its own that a monitor is on. */
  #takeChardev(id: string, references: readonly Reference[]): boolean {
    const item = this.#items.find(({ option, argument = '' }) => option === 'chardev' && propertiesOf(argument, 'qemuopts', 'backend').id === id);
    if (item?.argument === undefined) return false;
    const { argument } = item;
    const others = this.#items.filter((each) => !references.some((reference) => reference.item === each) && refersTo(each, id));
    const properties = propertiesOf(argument, 'qemuopts', 'backend');
    const set = this.#items.find((each) => each.option === 'set' && each.argument?.startsWith(`chardev.${id}.`) === true);
    if (set !== undefined) throw new MonitorError('conflict', `${textOf(set)}: vpmem has the chardev of a monitor itself; write it into ${textOf(item)}`);
    const [{ item: monitor, mode } = { item, mode: 'readline' as const }, ...more] = references;
    // QEMU says that it is in use already.
    if (references.length + others.length > 1 && !isOn(properties.mux)) return false;
    if (more.length > 0 || others.length > 1 || (others.length === 1 && mode !== 'readline')) {
      throw new MonitorError('chardev-busy', `${textOf(item)}: vpmem can serve a console and a human monitor on one character device, not more; give each monitor a chardev of its own`);
    }
    const chardev = this.#attempt(item, () => readTakenChardev(properties));
    if (chardev === undefined) return false;
    const option = textOf(monitor);
    this.#chardevs.add(id);
    if (others.length === 1) {
      const console = this.#path();
      this.#monitors.push({ option, mode, chardev, socket: undefined, console });
      this.#replace(item, `socket,id=${id},path=${escape(console)}`);
      this.#replaced.set(monitor, []);
      return true;
    }
    const socket = mode === 'readline' ? undefined : this.#path();
    this.#monitors.push({ option, mode, chardev, socket, console: undefined });
    this.#replace(item, socket === undefined ? `null,id=${id}` : `socket,id=${id},path=${escape(socket)},server=on,wait=off`);
    return true;
  }

  /** What `-nographic` comes to where nothing else says: the serial line and a human monitor on the terminal. */
  #ofNographic(): CommandLineItem[] {
    const given = new Set(this.#items.map(({ option }) => option));
    const says = ['monitor', 'qmp', 'qmp-pretty', 'mon', 'nodefaults'].some((option) => given.has(option)) || this.#references.size > 0 || this.#monitors.length > 0;
    if (!given.has('nographic') || says) return [];
    const chardev: TakenChardev = { kind: 'plain', options: { backend: 'stdio' } };
    const serial = given.has('serial') || this.#items.some(({ option, argument = '' }) => option === 'device' && propertiesOf(argument, 'qemuopts', 'driver').driver === 'isa-serial');
    if (!serial) return [option('serial', this.#console('-nographic', chardev)), option('monitor', 'none')];
    this.#monitors.push({ option: '-nographic', mode: 'readline', chardev, socket: undefined, console: undefined });
    return [option('monitor', 'none')];
  }

  /** In a file the type of a character device has its name before it. */
  #replace(item: CommandLineItem, argument: string): void {
    const inFile = item.section !== undefined;
    this.#replaced.set(item, [{ ...item, argument: inFile ? `backend=${argument}` : argument, words: inFile ? [] : [item.words[0] ?? '', argument] }]);
  }

  #path(): string {
    return join(this.#folder, `monitor-${this.#monitors.length}`);
  }

  /** Errors tell which option they are about. */
  #attempt<T>(item: CommandLineItem, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof MonitorError || error instanceof ChardevError) throw new MonitorError(error.code, `${textOf(item)}: ${error.message}`, { cause: error });
      throw error;
    }
  }
}

/** Whether an option is about something else on a character device. */
function refersTo({ option, argument = '' }: CommandLineItem, id: string): boolean {
  if (DEVICE_OPTIONS.includes(option)) return argument === `chardev:${id}`;
  return option !== 'chardev' && argument.includes(id) && propertiesOf(argument, 'qemuopts', 'driver').chardev === id;
}

/** An option as it was given, also in a file. */
function textOf({ option: name = '', argument, words }: CommandLineItem): string {
  return words.length > 0 ? words.join(' ') : `-${name} ${argument ?? ''}`;
}

function option(name: string, argument: string): CommandLineItem {
  return { option: name, argument, words: [`-${name}`, argument] };
}

/** A path as part of an option. */
function escape(path: string): string {
  return path.replaceAll(',', ',,');
}
