import type { CommandLineItem } from './command-line.ts';
import { configSections, readConfigFile } from './config-file.ts';
import { OUR_DRIVER } from './pmem-devices.ts';
import { QemuError } from '../qemu-error.ts';

/** What QEMU reads by itself, before the command line, as Linux distributions build it. */
export const USER_CONFIG = '/etc/qemu/qemu.conf';

/** Groups that say something of the machine and its RAM. */
const OF_RAM = ['machine', 'memory', 'numa', 'object'];

/**
 * Refuses a command line beside which QEMU reads a file that we would have to change: with a device of ours in it, or with RAM where
 * that has to be shared.
 *
 * @param ram whether RAM has to be shared @throws QemuError that says how to name the file on the line, where all of that works
 */
export function checkUserConfig(items: readonly CommandLineItem[], ram: boolean, path = USER_CONFIG): void {
  if (items.some(({ option }) => option === 'no-user-config')) return;
  const file = readConfigFile(path);
  const found = file === undefined ? undefined : configSections(file)?.find(({ group, entries }) => (group === 'device' && entries.get('driver') === OUR_DRIVER) || (ram && OF_RAM.includes(group)));
  if (found === undefined) return;
  throw new QemuError('not-supported', `${path}:${found.from + 1}: QEMU reads this [${found.group}] by itself, and vpmem has to see it; begin the command line with -no-user-config -readconfig ${path}`);
}
