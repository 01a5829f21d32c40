import { randomBytes } from 'node:crypto';
import { encodeHeader, FileHeader } from './file/file-header.ts';

/** What a recording begins with. */
export interface WriterOptions {
  /** Bytes of the memory: a multiple of 4096. */
  readonly size: number;
  /** Microseconds since 1970; now, unless given. */
  readonly startTime?: number;
  /** 16 bytes that tell this recording from others; random, unless given. */
  readonly id?: Uint8Array;
  /** Microseconds since the start; a clock that never goes back, unless given. */
  readonly now?: () => number;
}

/** The header of a recording. @throws RecordingError bad-input */
export function headerOf({ size, startTime = Date.now() * 1000, id = randomBytes(FileHeader.fields.id.size) }: WriterOptions): Uint8Array {
  return encodeHeader({ size, startTime, id });
}
