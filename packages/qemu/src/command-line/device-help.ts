import { deviceProperties } from '@vpmem/machine';
import { describeProperties } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { propertiesOf } from './item-properties.ts';
import { OUR_DRIVER } from './pmem-devices.ts';

/** Options whose argument may be a request for help. */
const ANSWER_HELP = ['M', 'accel', 'audio', 'audiodev', 'chardev', 'cpu', 'd', 'device', 'display', 'k', 'machine', 'net', 'netdev', 'nic', 'object', 'tpmdev', 'trace', 'vga'];
const HELP = /(?:^|,)(?:help|\?)(?:$|[,=])/;

/** What a command line asks to be told instead of running: nothing, something of QEMU's, or the properties of our device. */
export type HelpAsked = { readonly of: 'nothing' | 'qemu' } | { readonly of: 'device'; readonly lines: readonly string[] };

/** Of several requests for help QEMU answers that for a device last, and of those the first. */
export function helpAsked(items: readonly CommandLineItem[]): HelpAsked {
  const asking = items.filter(({ option = '', argument = '' }) => ['h', 'help', 'version'].includes(option) || (ANSWER_HELP.includes(option) && !argument.startsWith('{') && HELP.test(argument)));
  const device = asking.find(({ option }) => option === 'device');
  if (device === undefined || asking.some(({ option }) => option !== 'device')) return { of: asking.length > 0 ? 'qemu' : 'nothing' };
  const { driver } = propertiesOf(device.argument ?? '', 'qemuopts', 'driver');
  if (driver !== OUR_DRIVER) return { of: 'qemu' };
  return { of: 'device', lines: [`${OUR_DRIVER} options:`, ...describeProperties(deviceProperties[OUR_DRIVER])] };
}
