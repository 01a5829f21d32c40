import { parseOption, type ParsedOption } from '@vpmem/options';
import { splitCommandLine, type CommandLineItem } from './command-line.ts';
import { shareableRam } from './guest-ram.ts';
import { hotPlugRoom, type RootPorts } from './hot-plug-room.ts';
import { propertiesOf } from './item-properties.ts';
import { QemuError } from '../qemu-error.ts';
import { vfioUserDevice, type ServedDevice } from './vfio-user-device.ts';

/** An option taken out of a command line, parsed and as it was typed. */
export interface TakenOption {
  readonly text: string;
  readonly parsed: ParsedOption;
}

/** A QEMU command line in which the virtio-pmem devices are to be ours. */
export interface Substitution {
  /** The `-object` options of the backends behind those devices. */
  readonly objects: readonly TakenOption[];
  /** The `-device` options, in order. */
  readonly devices: readonly TakenOption[];
  /** What `-name` says. */
  readonly name: string | undefined;
  /** Why no device can be plugged in later, if so. */
  readonly ramProblem: string | undefined;
  /** The arguments for QEMU, given where each device is served, in the order of `devices`. */
  args(served: readonly ServedDevice[]): string[];
}

/** Whether devices are to be plugged in while the VM runs, and on which root ports. */
export interface SubstituteOptions {
  readonly hotPlug?: { readonly rootPorts?: RootPorts | undefined; /** Whether room is made for them; by default it is. */ readonly room?: boolean } | undefined;
}

const DRIVER = 'virtio-pmem-pci';

/**
 * Finds the virtio-pmem devices of a QEMU command line and the backends behind them.
 *
 * @throws QemuError, OptionError
 */
export function substitute(args: readonly string[], { hotPlug }: SubstituteOptions = {}): Substitution {
  const items = splitCommandLine(args);
  const devices = taken(items, 'device', 'driver').filter(({ parsed }) => parsed.properties.driver === DRIVER);
  const wanted = new Set(devices.map(({ parsed }) => parsed.properties.memdev));
  const objects = taken(items, 'object', 'qom-type').filter(({ parsed }) => wanted.has(parsed.properties.id));
  for (const { text, parsed } of devices) {
    const { memdev } = parsed.properties;
    if (typeof memdev === 'string' && !objects.some((object) => object.parsed.properties.id === memdev)) {
      throw new QemuError('memdev-missing', `-device ${text}: there is no -object with id '${memdev}'`);
    }
  }
  const { ram, problem } = guestRam(items, devices.length > 0, hotPlug !== undefined);
  const room = hotPlug === undefined || hotPlug.room === false ? [] : hotPlugRoom(args, hotPlug.rootPorts);
  const ours = new Set([...objects, ...devices].map(({ item }) => item));

  return {
    objects,
    devices,
    name: guestName(items),
    ramProblem: problem,
    args: (served) => {
      const replacements = new Map(devices.map(({ item }, i) => [item, served[i]]));
      const kept = items.flatMap((item) => {
        const device = replacements.get(item);
        if (device !== undefined) return ['-device', vfioUserDevice(device)];
        return ours.has(item) ? [] : item.words;
      });
      return [...kept, ...ram, ...room];
    },
  };
}

/** RAM has to be shareable for the devices there are; for those that may come, they are refused then. */
function guestRam(items: readonly CommandLineItem[], now: boolean, later: boolean): { ram: string[]; problem?: string } {
  if (!now && !later) return { ram: [] };
  try {
    return { ram: shareableRam(items) };
  } catch (error) {
    if (now || !(error instanceof QemuError)) throw error;
    return { ram: [], problem: error.message };
  }
}

/** QEMU takes the last one. */
function guestName(items: readonly CommandLineItem[]): string | undefined {
  const names = items.filter(({ option }) => option === 'name').map(({ argument = '' }) => propertiesOf(argument, 'qemuopts', 'guest').guest);
  return names.filter((name) => typeof name === 'string').at(-1);
}

function taken(items: readonly CommandLineItem[], option: string, impliedKey: string): (TakenOption & { item: CommandLineItem })[] {
  return items
    .filter((item) => item.option === option)
    .map((item) => ({ item, text: item.argument ?? '', parsed: parse(option, item.argument, impliedKey) }));
}

function parse(option: string, argument: string | undefined, impliedKey: string): ParsedOption {
  if (argument === undefined) throw new QemuError('bad-option', `-${option} requires an argument`);
  return parseOption(argument, { grammar: 'qemuopts', impliedKey, help: true });
}
