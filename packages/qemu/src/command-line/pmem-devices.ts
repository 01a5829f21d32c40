import { freeId, objectId } from '@vpmem/machine';
import { formatProperties, OptionError, parseOption, type ParsedOption } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { withGlobals, type GlobalProperty } from './global-option.ts';
import { itemsOf, withProperty } from './item-properties.ts';
import { QemuError } from '../qemu-error.ts';

/** An option taken out of a command line, parsed and as it was typed. */
export interface TakenOption {
  /** The argument, with all that is said of it elsewhere. */
  readonly text: string;
  /** How to name it to the user: `-device …`, or the file and line it stands in. */
  readonly label: string;
  readonly parsed: ParsedOption;
}

/** A {@link TakenOption} and the item it was. */
export interface TakenItem extends TakenOption {
  readonly item: CommandLineItem;
}

/** The type of device that is ours to serve. */
export const OUR_DRIVER = 'virtio-pmem-pci';

/**
 * The virtio-pmem devices of a command line, each with an id, and the backends behind them. An option that has no grammar is left to
 * QEMU, which refuses it in its own words.
 *
 * @throws QemuError
 */
export function takePmemDevices(items: readonly CommandLineItem[], globals: readonly GlobalProperty[]): { devices: TakenItem[]; objects: TakenItem[] } {
  const found = taken(items, 'device', 'driver').filter(({ parsed }) => parsed.properties.driver === OUR_DRIVER);
  const ids = new Set(itemsOf(items, 'device', 'driver').flatMap(({ properties: { id } }) => (typeof id === 'string' ? [id] : [])));
  const all = taken(items, 'object', 'qom-type');
  const wanted = new Set<string>();
  const devices = found.map((device) => {
    const parsed = { ...device.parsed, ...withGlobals(device.parsed, globals) };
    const text = globals.length === 0 ? device.text : formatProperties(parsed.properties, { impliedKey: 'driver' });
    const { memdev, id } = parsed.properties;
    if (typeof memdev !== 'string') return { ...device, parsed, text };
    const backend = objectId(memdev);
    if (!all.some(({ parsed }) => parsed.properties.id === backend)) {
      throw new QemuError('memdev-missing', `${device.label}: there is no -object with id '${backend}'`);
    }
    if (wanted.has(backend)) throw new QemuError('memdev-busy', `${device.label}: a device before it has memory backend '${backend}'; a backend serves one device`);
    wanted.add(backend);
    if (id !== undefined) return { ...device, parsed, text };
    // Both QEMU and we have to call it something.
    const name = freeId(backend, (other) => ids.has(other));
    ids.add(name);
    const named = withProperty({ ...device.item, argument: text }, 'id', name).argument ?? '';
    return { ...device, parsed: { ...parsed, properties: { ...parsed.properties, id: name } }, text: named };
  });
  return { devices, objects: all.filter(({ parsed }) => [...wanted].some((id) => parsed.properties.id === id)) };
}

function taken(items: readonly CommandLineItem[], option: string, impliedKey: string): TakenItem[] {
  return items.flatMap((item) => {
    const text = item.argument;
    const parsed = item.option === option && text !== undefined ? parse(text, impliedKey) : undefined;
    return parsed === undefined || text === undefined ? [] : [{ item, text, label: labelOf(item), parsed }];
  });
}

function parse(text: string, impliedKey: string): ParsedOption | undefined {
  try {
    return parseOption(text, { grammar: 'qemuopts', impliedKey, help: true });
  } catch (error) {
    if (error instanceof OptionError) return undefined;
    throw error;
  }
}

function labelOf({ option, argument, section }: CommandLineItem): string {
  return section === undefined ? `-${option ?? ''} ${argument ?? ''}` : `${section.file.path}:${section.from + 1}`;
}
