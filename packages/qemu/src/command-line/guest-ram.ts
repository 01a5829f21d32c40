import { formatSize, parseOption, parseSize } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { propertiesOf } from './item-properties.ts';
import { QemuError } from '../qemu-error.ts';

/** The id of the RAM backend that is added where the command line has none. */
export const RAM_ID = 'vpmem-ram';
/** What QEMU gives a guest that was not given any, in bytes. */
const DEFAULT_RAM = 128 * 2 ** 20;

const WHY = 'a device outside QEMU sees guest memory only if it is shared';

/**
 * What has to be added to a command line so that its guest's RAM can be shared; nothing if it says so itself.
 *
 * @throws QemuError if the command line asks for RAM that cannot be shared
 */
export function shareableRam(items: readonly CommandLineItem[]): string[] {
  const objects = new Map(items.filter(({ option }) => option === 'object').map(({ argument = '' }) => describeObject(argument)));
  const named = [...machineBackends(items), ...numaBackends(items)];
  for (const id of named) {
    const problem = objects.get(id)?.();
    if (problem !== undefined) throw new QemuError('private-ram', `RAM backend '${id}': ${problem}`);
  }
  if (named.length > 0) return [];
  const legacy = items.find(({ option }) => option === 'mem-path' || option === 'mem-prealloc');
  if (legacy !== undefined) {
    const instead = '-object memory-backend-file,id=ram,mem-path=…,size=…,share=on -machine memory-backend=ram';
    throw new QemuError('private-ram', `-${legacy.option}: RAM made by it is private, and ${WHY}; write ${instead}`);
  }
  const size = formatSize(ramSize(items));
  return ['-object', `memory-backend-memfd,id=${RAM_ID},size=${size},share=on`, '-machine', `memory-backend=${RAM_ID}`];
}

/** Bytes of RAM by the `-m` options, which QEMU merges. */
function ramSize(items: readonly CommandLineItem[]): number {
  let size = DEFAULT_RAM;
  for (const { option, argument = '' } of items) {
    if (option !== 'm') continue;
    const given = parseOption(argument, { grammar: 'qemuopts', impliedKey: 'size' }).properties.size;
    if (typeof given === 'string') size = parseSize(given, { unit: 'MiB' });
  }
  return size;
}

/** `-machine memory-backend=ID`; the last one counts. */
function machineBackends(items: readonly CommandLineItem[]): string[] {
  let id: string | undefined;
  for (const { option, argument = '' } of items) {
    if (option !== 'machine' && option !== 'M') continue;
    const given = propertiesOf(argument, 'keyval', 'type')['memory-backend'];
    if (typeof given === 'string') id = given;
  }
  return id === undefined ? [] : [id];
}

function numaBackends(items: readonly CommandLineItem[]): string[] {
  return items
    .filter(({ option }) => option === 'numa')
    .map(({ argument = '' }) => propertiesOf(argument, 'qemuopts', 'type').memdev)
    .filter((memdev) => typeof memdev === 'string');
}

/** An object's id, and what keeps it from being shared RAM. */
function describeObject(argument: string): [id: string, problem: () => string | undefined] {
  const { 'qom-type': type, id, share, offset } = propertiesOf(argument, 'qemuopts', 'qom-type');
  const shared = share === true || (typeof share === 'string' && /^(on|yes|true|y)$/.test(share));
  return [
    typeof id === 'string' ? id : '',
    () => {
      if (type === 'memory-backend-memfd' && share === undefined) return undefined;
      if (type === 'memory-backend-shm') return undefined;
      if (!shared) return `it is private (share=off), and ${WHY}; add share=on`;
      // QEMU up to 11.1 does not add the offset to what it tells the device, which would then read the wrong bytes.
      if (offset !== undefined && offset !== '0' && offset !== 0) return 'QEMU does not tell a device of offset=; use a file of its own';
      return undefined;
    },
  ];
}
