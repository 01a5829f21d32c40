import { defineProperties, property, readProperties, type PropertySource } from '@vpmem/options';
import type { BackendOptions } from '@vpmem/memory-backend';
import { MachineError } from './machine-error.ts';

const NUMA = 'the memory belongs to the page cache of the file, which this process binds to no NUMA node';
const KSM = 'pages shared with a guest through a file are never merged';
const DUMP = 'it concerns core dumps of the process that maps the memory, which is the VM';
const THREADS = 'preallocation is one fallocate call and needs no threads';

/** Properties of every memory backend (QEMU 11.1). */
const common = {
  'qom-type': property.string({ required: true }),
  id: property.identifier({ required: true, description: 'name of the object' }),
  size: property.size({ required: true, description: 'bytes of memory' }),
  prealloc: property.bool({ default: false, description: 'allocate all storage now' }),
  reserve: property.bool({ default: true, description: 'accepted; shared memory reserves no swap' }),
  merge: property.refused(KSM),
  dump: property.refused(DUMP),
  policy: property.refused(NUMA),
  'host-nodes': property.refused(NUMA),
  'prealloc-threads': property.refused(THREADS),
  'prealloc-context': property.refused(THREADS),
  'x-use-canonical-path-for-ramblock-id': property.refused('there is no migration stream with RAM block names'),
};

const share = property.bool({ description: 'accepted; this memory is always shared with the VM' });

/** The object types there are, and their properties. */
export const objectProperties = {
  'memory-backend-file': defineProperties({
    ...common,
    'mem-path': property.string({ required: true, description: 'file, or directory for an unnamed file' }),
    share: property.bool({ default: false, description: 'guest writes reach the file' }),
    readonly: property.bool({ default: false, description: 'open the file for reading only' }),
    align: property.size({ description: 'alignment of the mapping' }),
    offset: property.size({ description: 'where in the file the memory begins' }),
    'discard-data': property.bool({ default: false, description: 'empty the file at the end' }),
    pmem: property.refused('what makes writes durable here is fdatasync, which works on any file system'),
    rom: property.refused('a client maps memory it may write to; readonly=on gives it a private copy'),
  }),
  'memory-backend-ram': defineProperties({ ...common, share }),
  'memory-backend-memfd': defineProperties({
    ...common,
    share,
    seal: property.bool({ default: true, description: 'accepted; the size is always sealed' }),
    hugetlb: property.refused('use a file on a hugetlbfs mount as mem-path of memory-backend-file'),
    hugetlbsize: property.refused('use a file on a hugetlbfs mount as mem-path of memory-backend-file'),
  }),
} as const;

export type ObjectType = keyof typeof objectProperties;

/** What a backend's properties say. @throws OptionError, MachineError */
export function readObject(source: PropertySource): BackendOptions {
  const type = source.properties['qom-type'];
  if (type === 'memory-backend-file') {
    const values = readProperties(objectProperties[type], source);
    const { id, size, prealloc, reserve, share: shared, readonly, align, offset } = values;
    return {
      type,
      id,
      size,
      prealloc,
      reserve,
      share: shared,
      readonly,
      memPath: values['mem-path'],
      discardData: values['discard-data'],
      ...(align !== undefined && { align }),
      ...(offset !== undefined && { offset }),
    };
  }
  if (type === 'memory-backend-ram' || type === 'memory-backend-memfd') {
    const { id, size, prealloc, reserve } = readProperties(objectProperties[type], source);
    return { type, id, size, prealloc, reserve };
  }
  const known = Object.keys(objectProperties).join(', ');
  throw new MachineError('unknown-type', 'qom-type', `object type '${typeof type === 'string' ? type : ''}' is not one of ${known}`);
}
