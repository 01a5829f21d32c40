import type { RecordingInfo } from '@vpmem/machine';

/** What a recording holds, in one line. */
export function showRecording({ file, flushes, marks, bytes, incomplete }: RecordingInfo): string {
  return `${flushes} flushes, ${marks} marks, ${bytes} bytes in '${file}'${incomplete === undefined ? '' : `; incomplete: ${incomplete}`}`;
}
