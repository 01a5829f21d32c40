import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { BackendError } from '../backend-error.ts';
import type { FileBackendOptions } from '../backend-options.ts';
import type { BackendDescription } from '../backend-description.ts';

type RecordingFile = NonNullable<BackendDescription['recording']>;

/** The longest time between two looks at what is volatile: a day, in milliseconds. */
export const MAX_RECORD_INTERVAL = 86_400_000;

/** Makes the file of `record=`; undefined without. @throws BackendError where it is there, or cannot be made */
export function makeRecordingFile({ id, record, recordInterval }: FileBackendOptions): RecordingFile | undefined {
  if (record === undefined) return undefined;
  try {
    return { path: record, fd: openSync(record, 'wx+', 0o644), interval: recordInterval };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const exists = code === 'EEXIST';
    const why = exists ? 'there is such a file already; a recording goes into a new one' : `it cannot be made: ${message}`;
    throw new BackendError(exists ? 'conflict' : 'io', 'record', `memory backend '${id}': record '${record}': ${why}`, { cause: error });
  }
}

/** Lets go of it; one that nobody has written to goes. */
export function closeRecordingFile({ path, fd }: RecordingFile): void {
  const empty = fstatSync(fd).size === 0;
  closeSync(fd);
  if (empty) unlinkSync(path);
}

/** Takes it back. */
export function removeRecordingFile({ path, fd }: RecordingFile): void {
  closeSync(fd);
  unlinkSync(path);
}
