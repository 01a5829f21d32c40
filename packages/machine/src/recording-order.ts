import { resolve } from 'node:path';
import { MAX_RECORD_INTERVAL, type BackendDescription } from '@vpmem/memory-backend';
import type { RecordingOrder } from '@vpmem/simulated-medium';
import { MachineError } from './machine-error.ts';
import type { RecordRequest } from './recording-control.ts';

/** Bytes a mark can have. */
export const MAX_MARK = 4096;

/** @throws MachineError for a recording there cannot be */
export function recordingOrder(label: string, backend: BackendDescription, { file, interval }: RecordRequest): RecordingOrder {
  checkRecordable(label, backend);
  if (file === '') throw new MachineError('recording', 'file', `device '${label}': file is empty; it names the file to make`);
  if (interval !== undefined && !(Number.isInteger(interval) && interval >= 1 && interval <= MAX_RECORD_INTERVAL)) {
    throw new MachineError('bad-value', 'interval', `interval=${interval} is no number of milliseconds from 1 to ${MAX_RECORD_INTERVAL}`);
  }
  return { target: { path: resolve(file) }, interval };
}

/** @throws MachineError for a device whose memory is its file */
export function checkRecordable(label: string, { id, medium }: BackendDescription): void {
  if (medium !== undefined) return;
  throw new MachineError(
    'not-supported',
    'power-failure',
    `device '${label}': memory backend '${id}' does not keep apart what is durable, so there is nothing to record; make it with power-failure=on or record=FILE`,
  );
}

/** @throws MachineError for a mark that cannot be told from others, or is none */
export function checkMark(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0) throw new MachineError('bad-value', 'text', 'the mark is empty; say what is to be found again, such as \'record 17 is acknowledged\'');
  if (bytes > MAX_MARK) throw new MachineError('bad-value', 'text', `the mark has ${bytes} bytes; ${MAX_MARK} is the most`);
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new MachineError('bad-value', 'text', 'the mark has a control character, such as a line break; a mark is one line');
}

/** Where a mark is to go, and there is no recording. */
export function nothingRecorded(): MachineError {
  return new MachineError('recording', undefined, 'nothing is being recorded; begin with record=FILE on a memory backend, or with pmem_record');
}
