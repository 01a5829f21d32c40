import { statSync } from 'node:fs';
import { freeId, objectId } from '@vpmem/machine';
import { formatSize, OptionError, parseSize, type Properties } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { escapeCommas, itemsOf, isOff, isOn, machineProperties, withProperty } from './item-properties.ts';
import { familyOf } from './machine-family.ts';
import { QemuError } from '../qemu-error.ts';

/** What QEMU calls the RAM that it makes itself, by the type of machine: monitors and migration streams name it so. */
const RAM_IDS: Readonly<Record<string, string>> = { pc: 'pc.ram', q35: 'pc.ram', isapc: 'pc.ram', microvm: 'microvm.ram', none: 'ram' };
const OTHER_RAM = 'vpmem-ram';
/** What QEMU gives a guest that was not given any, in bytes. */
const DEFAULT_RAM = 128 * 2 ** 20;
/** What QEMU rounds the size of RAM up to. */
const RAM_UNIT = 8192;

/** Memory devices whose memory a guest takes for RAM. An nvdimm is a disk: whether writes reach its file is the user's to say. */
const RAM_DEVICES = ['pc-dimm', 'virtio-mem-pci'];
/** Backends that are private unless `share=on`. */
const PRIVATE_BY_DEFAULT = ['memory-backend-ram', 'memory-backend-file'];
const BACKENDS = [...PRIVATE_BY_DEFAULT, 'memory-backend-memfd', 'memory-backend-shm'];

const WHY = 'a device outside QEMU sees guest memory only if it is shared';

/** A command line whose guest has shared RAM, and what its user should know of that. */
export interface SharedRam {
  readonly items: readonly CommandLineItem[];
  readonly warnings: readonly string[];
}

/**
 * Makes a guest's RAM shared: the backends that the command line has for it, or one in place of what QEMU would make itself. What is
 * wrong with them otherwise QEMU will say.
 *
 * @throws QemuError if the command line asks for RAM that cannot be shared
 */
export function shareRam(items: readonly CommandLineItem[]): SharedRam {
  const base = baseBackends(items);
  const used = new Set([...base, ...memdevs(items, 'device', ({ driver }) => isOneOf(RAM_DEVICES, driver))]);
  const warnings: string[] = [];
  const objects = new Map(itemsOf(items, 'object', 'qom-type').map(({ item, properties }) => [item, properties]));
  const shared = items.map((item) => {
    const properties = objects.get(item) ?? {};
    const { 'qom-type': type, id, share } = properties;
    if (typeof id !== 'string' || !used.has(id) || !isOneOf(BACKENDS, type)) return item;
    const problem = problemOf(properties);
    if (problem !== undefined) throw new QemuError('private-ram', `RAM backend '${id}': ${problem}`);
    if (share !== undefined || !isOneOf(PRIVATE_BY_DEFAULT, type)) return item;
    warnings.push(...fileWarning(`RAM backend '${id}'`, properties['mem-path']));
    return withProperty(item, 'share', true);
  });
  if (base.length > 0) return { items: shared, warnings };

  const size = ramSize(items);
  if (size === undefined) return { items, warnings: [] };
  const path = items.filter(({ option }) => option === 'mem-path').at(-1)?.argument;
  warnings.push(...fileWarning('-mem-path', path));
  const kind = path === undefined ? 'memory-backend-memfd' : `memory-backend-file,mem-path=${escapeCommas(path)}`;
  const id = freeId(ramId(items), (taken) => [...objects.values()].some((properties) => properties.id === taken));
  const added = [option('object', `${kind},id=${id},size=${formatSize(size)},share=on`), option('machine', `memory-backend=${id}`)];
  return { items: [...shared.filter(({ option: name }) => name !== 'mem-path'), ...added], warnings };
}

/** Backends of the RAM that a guest has from the start. */
function baseBackends(items: readonly CommandLineItem[]): string[] {
  const { 'memory-backend': machine } = machineProperties(items);
  return [...(typeof machine === 'string' ? [objectId(machine)] : []), ...memdevs(items, 'numa', () => true, 'type')];
}

function memdevs(items: readonly CommandLineItem[], from: string, counts: (properties: Properties) => boolean, impliedKey = 'driver'): string[] {
  return itemsOf(items, from, impliedKey).flatMap(({ properties }) => (counts(properties) && typeof properties.memdev === 'string' ? [objectId(properties.memdev)] : []));
}

/** What keeps a backend from being shared RAM. */
function problemOf({ share, offset, readonly }: Properties): string | undefined {
  if (isOff(share)) return `it is private (share=off), and ${WHY}; write share=on`;
  if (share === undefined && isOn(readonly)) return `it is a private copy of a file (readonly=on), and ${WHY}; use a file of its own, with share=on`;
  // QEMU up to 11.1 does not add the offset to what it tells the device, which would then read the wrong bytes.
  if (offset !== undefined && offset !== '0' && offset !== 0) return 'QEMU does not tell a device of offset=; use a file of its own';
  return undefined;
}

/** A file that was private until now keeps what the guest writes. */
function fileWarning(what: string, path: unknown): string[] {
  if (typeof path !== 'string' || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return [];
  return [`${what}: the guest's RAM is kept in the file '${path}', since it has to be shared (share=on); name a directory, and it is gone with the VM`];
}

function ramId(items: readonly CommandLineItem[]): string {
  const { type = 'pc' } = machineProperties(items);
  if (typeof type !== 'string') return OTHER_RAM;
  const family = familyOf(type);
  return RAM_IDS[family === 'other' ? type : family] ?? OTHER_RAM;
}

/** Bytes of RAM, which `-m` decides if it says anything, then `-machine memory.size=`; undefined for what QEMU will refuse. */
function ramSize(items: readonly CommandLineItem[]): number | undefined {
  const given = itemsOf(items, 'm', 'size').flatMap(({ properties }) => (properties.size === undefined ? [] : [properties.size])).at(-1);
  const { memory } = machineProperties(items);
  const dotted = typeof memory === 'object' && memory !== null ? (memory as Properties).size : undefined;
  try {
    const size = sizeOf(given, 'MiB') ?? sizeOf(dotted, 'B') ?? DEFAULT_RAM;
    return Math.ceil(size / RAM_UNIT) * RAM_UNIT;
  } catch (error) {
    if (error instanceof OptionError) return undefined;
    throw error;
  }
}

/** To QEMU 0 is as good as nothing. */
function sizeOf(text: unknown, unit: 'B' | 'MiB'): number | undefined {
  const size = typeof text === 'string' ? parseSize(text, { unit }) : 0;
  return size === 0 ? undefined : size;
}

function option(name: string, argument: string): CommandLineItem {
  return { option: name, argument, words: [`-${name}`, argument] };
}

function isOneOf(names: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && names.includes(value);
}
