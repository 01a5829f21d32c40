import type { Properties } from '@vpmem/options';
import type { CommandLineItem } from '../command-line/command-line.ts';
import { isOn, propertiesOf } from '../command-line/item-properties.ts';
import { fullName } from './dma-manner.ts';

/** A device that a command line asks for. */
export interface DeviceUse {
  readonly item: CommandLineItem;
  /** By its full name. */
  readonly driver: string;
  /** What is said of it; nothing where QEMU makes it for another option, such as `-drive if=virtio`. */
  readonly properties: Properties;
  /** Whether the item is its `-device`, which can say more. */
  readonly explicit: boolean;
}

/** What serves a network device. */
export interface NetworkBackend {
  readonly id: string | undefined;
  /** Whether the device's data goes past QEMU, into the host's kernel or another process. */
  readonly vhost: boolean;
  /** Whether that is a process. */
  readonly outside: boolean;
}

/** All devices that may be of interest, in order. */
export function deviceUses(items: readonly CommandLineItem[]): DeviceUse[] {
  const set = settings(items);
  return items.flatMap((item): DeviceUse[] => {
    const { option = '', argument = '' } = item;
    if (option === 'device') {
      const properties = propertiesOf(argument, 'qemuopts', 'driver');
      const { driver, id } = properties;
      if (typeof driver !== 'string') return [];
      return [{ item, driver: fullName(driver), properties: { ...properties, ...(typeof id === 'string' && set.get(id)) }, explicit: true }];
    }
    const driver = impliedDevice(option, argument);
    return driver === undefined ? [] : [{ item, driver, properties: {}, explicit: false }];
  });
}

/** A virtio device that QEMU makes for an option that is about something else. */
function impliedDevice(option: string, argument: string): string | undefined {
  switch (option) {
    case 'drive':
      return propertiesOf(argument, 'qemuopts', 'file').if === 'virtio' ? 'virtio-blk-pci' : undefined;
    case 'virtfs':
      return 'virtio-9p-pci';
    case 'audio':
      return propertiesOf(argument, 'qemuopts', 'driver').model === 'virtio' ? 'virtio-sound-pci' : undefined;
    case 'nic':
    case 'net': {
      const { model } = propertiesOf(argument, 'qemuopts', 'type');
      return typeof model === 'string' && /^virtio(?:-net(?:-pci)?)?$/.test(model) ? 'virtio-net-pci' : undefined;
    }
    default:
      return undefined;
  }
}

/** What a `-netdev`, `-nic` or `-net` has behind it. */
export function networkBackend({ option, argument = '' }: CommandLineItem): NetworkBackend | undefined {
  if (option !== 'netdev' && option !== 'nic' && option !== 'net') return undefined;
  const { type, id, vhost, vhostforce } = propertiesOf(argument, 'qemuopts', 'type');
  const outside = isOutside(type);
  return { id: typeof id === 'string' ? id : undefined, outside, vhost: outside || isOn(vhost) || isOn(vhostforce) };
}

/** Whether a network back end of that type is another process, or hardware. */
export function isOutside(type: unknown): boolean {
  return type === 'vhost-user' || type === 'vhost-vdpa';
}

/** `-set device.ID.PROPERTY=VALUE`, by id. */
function settings(items: readonly CommandLineItem[]): Map<string, Properties> {
  const found = new Map<string, Properties>();
  for (const { option, argument = '' } of items) {
    const [, id, name, value] = (option === 'set' && /^device\.([^.]+)\.([^=]+)=(.*)$/.exec(argument)) || [];
    if (id !== undefined && name !== undefined && value !== undefined) found.set(id, { ...found.get(id), [name]: value });
  }
  return found;
}
