import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PropertySource } from '@vpmem/options';
import { objectId } from './device-properties.ts';
import { MachineError } from './machine-error.ts';

/** What the name of a recording ends in. */
export const RECORDING_SUFFIX = '.vpmrec';

/** An object or a device of a command line, as it was given. */
interface Given {
  readonly parsed: PropertySource;
}

/**
 * The objects of a command line, so that each virtio-pmem device of it is recorded, in `FOLDER/ID.vpmrec`. What has no file keeps nothing that
 * could be recorded and stays as it is; a backend that has `record=` of its own keeps that.
 *
 * @throws MachineError where the folder cannot be made
 */
export function recordAll<T extends Given>(objects: readonly T[], devices: readonly Given[], folder: string): T[] {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new MachineError('recording', 'record', `the folder for recordings cannot be made: ${(error as Error).message}`, { cause: error });
  }
  const names = new Map<string, string>();
  for (const { properties: { driver, id, memdev } } of devices.map(({ parsed }) => parsed)) {
    if (driver !== 'virtio-pmem-pci' || typeof memdev !== 'string') continue;
    const backend = objectId(memdev);
    names.set(backend, typeof id === 'string' ? id : backend);
  }
  return objects.map((object) => {
    const { 'qom-type': type, id, record } = object.parsed.properties;
    const name = typeof id === 'string' ? names.get(id) : undefined;
    if (type !== 'memory-backend-file' || name === undefined || record !== undefined) return object;
    const properties = { ...object.parsed.properties, record: join(folder, `${name}${RECORDING_SUFFIX}`) };
    return { ...object, parsed: { ...object.parsed, properties } };
  });
}
