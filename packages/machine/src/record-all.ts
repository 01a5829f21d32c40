import { mkdirSync, rmdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { PropertySource } from '@vpmem/options';
import { freeId, objectId } from './properties/device-properties.ts';
import { explainError } from './explain.ts';
import { MachineError } from './machine-error.ts';
import { readObject } from './properties/object-properties.ts';

/** What the name of a recording ends in. */
export const RECORDING_SUFFIX = '.vpmrec';

/** An object or a device of a command line, as it was given. */
interface Given {
  readonly parsed: PropertySource;
}

/** The objects of a command line that is to be recorded. */
export interface RecordedObjects<T> {
  readonly objects: readonly T[];
  /** How many of them have a recording now. */
  readonly count: number;
}

/**
 * The objects of a command line, so that each virtio-pmem device of it is recorded, in `FOLDER/ID.vpmrec`. What keeps nothing stays as it is:
 * memory without a file, a private copy, a file that is only read. A backend that has `record=` of its own keeps that.
 */
export function recordAll<T extends Given>(objects: readonly T[], devices: readonly Given[], folder: string): RecordedObjects<T> {
  const names = recordingNames(devices.map(({ parsed }) => parsed));
  let count = 0;
  const recorded = objects.map((object) => {
    const { id, record } = object.parsed.properties;
    const name = typeof id === 'string' ? names.get(id) : undefined;
    if (name === undefined || !keepsWrites(object.parsed)) return object;
    count++;
    if (record !== undefined) return object;
    const properties = { ...object.parsed.properties, record: join(folder, `${name}${RECORDING_SUFFIX}`) };
    return { ...object, parsed: { ...object.parsed, properties } };
  });
  return { objects: recorded, count };
}

/** What to tell whoever wants recordings of a command line in which there is nothing to record. */
export function nothingToRecord(folder: string): string {
  return `nothing of the command line can be recorded, so '${folder}' gets nothing: that takes a virtio-pmem-pci whose memory-backend-file has share=on`;
}

/**
 * Makes the folder that recordings are to go into. What it returns takes away again what was made, as far as there is nothing in it.
 *
 * @throws MachineError where there cannot be such a folder
 */
export function makeRecordingFolder(folder: string): () => void {
  if (folder === '') throw new MachineError('recording', 'record', 'the folder for recordings has no name');
  let first: string | undefined;
  try {
    first = mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new MachineError('recording', 'record', `the folder for recordings cannot be made: ${(error as Error).message}`, { cause: error });
  }
  return () => (first === undefined ? undefined : removeEmpty(resolve(folder), resolve(first)));
}

/** From the innermost outwards, to the one that was made first. */
function removeEmpty(folder: string, first: string): void {
  try {
    for (let at = folder; ; at = dirname(at)) {
      rmdirSync(at);
      if (at === first) return;
    }
  } catch {
    // Somebody has put something there, or it is somebody's who does not want it gone: it stays.
  }
}

/** What the recording of each backend is called, by its id: as its device will be, when devices are made in this order. */
function recordingNames(devices: readonly PropertySource[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const { properties: { driver, id, memdev } } of devices) {
    if (driver !== 'virtio-pmem-pci' || typeof memdev !== 'string') continue;
    const backend = objectId(memdev);
    const name = freeId(typeof id === 'string' ? id : backend, (other) => taken.has(other));
    taken.add(name);
    // No id of a device: it is refused when its turn comes, and nothing is to be made outside of the folder before.
    if (!name.includes('/')) names.set(backend, name);
  }
  return names;
}

/** Whether what is written gets into a file. What is wrong with a backend is told when it is made. */
function keepsWrites(source: PropertySource): boolean {
  try {
    const options = readObject(source);
    return options.type === 'memory-backend-file' && options.share === true && options.readonly !== true;
  } catch (error) {
    if (explainError(error) === undefined) throw error;
    return false;
  }
}
