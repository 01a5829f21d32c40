import { defineProperties, noEffectWarnings, OptionError, property, readProperties, type PropertySource } from '@vpmem/options';
import { MAX_RECORD_INTERVAL, type BackendOptions, type RamBackendOptions } from '@vpmem/memory-backend';
import { MachineError } from '../machine-error.ts';

const ONE_CALL = 'preallocation is one system call, and needs no threads';
const DURABLE =
  'it promises durability without a flush, which takes a DAX file system; without it, what the guest flushes is durable on any file system';

/** Properties of every memory backend (QEMU 11.1). */
const common = {
  'qom-type': property.string({ required: true }),
  id: property.identifier({ required: true, description: 'name of the object' }),
  size: property.size({ required: true, description: 'bytes of memory' }),
  prealloc: property.bool({ default: false, description: 'allocate all storage now' }),
  reserve: property.bool({ default: true, description: 'put huge pages aside; there is nothing to do for other memory' }),
  merge: property.noEffect(property.bool(), { because: 'pages shared with a guest through a file are never merged', anyway: false }),
  dump: property.noEffect(property.bool(), { because: 'core dumps are written by the process that maps the memory, which is the VM' }),
  policy: property.oneOf(['default', 'preferred', 'bind', 'interleave'], { default: 'default', description: 'which of host-nodes memory comes from, if it is no page cache' }),
  'host-nodes': property.intList({ max: 127, description: 'NUMA nodes for policy' }),
  'prealloc-threads': property.noEffect(property.int({ min: 1, max: 2 ** 32 - 1 }), { because: ONE_CALL }),
  'prealloc-context': property.noEffect(property.string(), { because: ONE_CALL }),
  'x-use-canonical-path-for-ramblock-id': property.noEffect(property.bool(), {
    because: 'there is no migration stream with names of memory blocks',
    anyway: false,
  }),
};

const share = property.bool({ description: 'accepted; this memory is always shared with the VM' });

/** The object types there are, and their properties. */
export const objectProperties = {
  'memory-backend-file': defineProperties({
    ...common,
    'mem-path': property.path({ required: true, description: 'file, or directory for an unnamed file' }),
    share: property.bool({ default: false, description: 'guest writes reach the file' }),
    'share-rw': property.bool({ default: false, description: 'others may write to the file too, if they say so (not in QEMU)' }),
    readonly: property.bool({ default: false, description: 'open the file for reading only' }),
    align: property.size({ description: 'alignment of the mapping' }),
    offset: property.size({ description: 'where in the file the memory begins' }),
    'power-failure': property.bool({ default: false, description: 'only flushed bytes get into the file; a power cut can be simulated (not in QEMU)' }),
    'page-tracker': property.oneOf(['auto', 'uffd', 'compare'], { default: 'auto', description: 'with power-failure=on: how written pages are found (not in QEMU)' }),
    record: property.path({ description: 'a new file, into which goes what becomes durable; brings power-failure=on (not in QEMU)' }),
    'record-interval': property.int({ min: 1, max: MAX_RECORD_INTERVAL, description: 'of record: how often what is volatile goes into it, in milliseconds' }),
    'discard-data': property.bool({ default: false, description: 'empty the file at the end' }),
    pmem: property.offOnly(DURABLE),
    rom: property.oneOf(['auto', 'on', 'off'], { default: 'auto', description: 'off: the guest may write to its private copy' }),
  }),
  'memory-backend-ram': defineProperties({ ...common, share }),
  'memory-backend-memfd': defineProperties({
    ...common,
    share,
    seal: property.bool({ default: true, description: 'accepted; the size is always sealed' }),
    hugetlb: property.bool({ default: false, description: 'take huge pages, which are reserved at once' }),
    hugetlbsize: property.size({ description: "size of those pages, if it is not the system's default" }),
  }),
} as const;

export type ObjectType = keyof typeof objectProperties;

/** What to tell whoever gave a backend's properties: which of them change nothing, and why. They have been read once. */
export function objectWarnings(source: PropertySource): string[] {
  const { 'qom-type': type, id } = source.properties;
  const schema = isObjectType(type) ? objectProperties[type] : {};
  return noEffectWarnings(schema, source).map(({ message }) => `memory backend '${typeof id === 'string' ? id : ''}': ${message}`);
}

function isObjectType(type: unknown): type is ObjectType {
  return typeof type === 'string' && Object.hasOwn(objectProperties, type);
}

/** What a backend's properties say. @throws OptionError, MachineError */
export function readObject(source: PropertySource): BackendOptions {
  const type = source.properties['qom-type'];
  if (type === 'memory-backend-file') {
    const values = readProperties(objectProperties[type], source);
    const { share: shared, readonly, rom, align = 0, offset, record, 'record-interval': recordInterval } = values;
    return {
      type,
      ...commonOptions(values),
      share: shared,
      shareRw: values['share-rw'],
      readonly,
      rom,
      memPath: values['mem-path'],
      discardData: values['discard-data'],
      powerFailure: values['power-failure'],
      pageTracker: values['page-tracker'],
      ...(record !== undefined && { record }),
      ...(recordInterval !== undefined && { recordInterval }),
      // To QEMU 0 is the page size.
      ...(align !== 0 && { align }),
      ...(offset !== undefined && { offset }),
    };
  }
  if (type === 'memory-backend-ram') return { type, ...commonOptions(readProperties(objectProperties[type], source)) };
  if (type === 'memory-backend-memfd') {
    const values = readProperties(objectProperties[type], source);
    const { hugetlb, hugetlbsize } = values;
    return { type, ...commonOptions(values), hugetlb, ...(hugetlbsize !== undefined && { hugetlbsize }) };
  }
  const known = Object.keys(objectProperties).join(', ');
  if (type === undefined) throw new OptionError('missing-parameter', `Parameter 'qom-type' is missing: the object type, one of ${known}`, { parameter: 'qom-type' });
  throw new MachineError('unknown-type', 'qom-type', `object type '${typeof type === 'string' ? type : ''}' is not one of ${known}`);
}

/** What is said of every backend. */
interface CommonValues {
  readonly id: string;
  readonly size: number;
  readonly prealloc: boolean;
  readonly reserve: boolean;
  readonly policy: NonNullable<BackendOptions['policy']>;
  readonly 'host-nodes': readonly number[] | undefined;
}

function commonOptions({ id, size, prealloc, reserve, policy, 'host-nodes': hostNodes = [] }: CommonValues): Omit<RamBackendOptions, 'type'> {
  return { id, size, prealloc, reserve, policy, hostNodes };
}
