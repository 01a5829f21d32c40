import { bytes, le32, le64, struct } from '@vpmem/layout';
import { crc32c } from './crc32c.ts';
import { RecordingError } from '../recording-error.ts';

/** docs/recording-format.md, Header */
export const FileHeader = struct('vpmem_recording_header', {
  magic: bytes(8),
  version: le32,
  page_size: le32,
  size: le64,
  start_time: le64,
  id: bytes(16),
  reserved: bytes(12),
  crc: le32,
});

export const MAGIC = new TextEncoder().encode('vpmemrec');
export const VERSION = 1;
/** Bytes of a page, and of the lines that a page's changes are counted in. */
export const PAGE_SIZE = 4096;
export const LINE_SIZE = 64;
/** Page numbers have 32 bits. */
const MAX_SIZE = PAGE_SIZE * 2 ** 32;

/** What stands at the start of a recording. */
export interface RecordingHeader {
  /** Bytes of the memory that was recorded. */
  readonly size: number;
  /** Microseconds since 1970. */
  readonly startTime: number;
  /** 16 bytes that tell this recording from others. */
  readonly id: Uint8Array;
}

/** @throws RecordingError bad-input */
export function encodeHeader({ size, startTime, id }: RecordingHeader): Uint8Array<ArrayBuffer> {
  if (!isSize(size)) throw new RecordingError('bad-input', `size ${size}: not a multiple of ${PAGE_SIZE} from ${PAGE_SIZE} to ${MAX_SIZE}`);
  if (!Number.isSafeInteger(startTime) || startTime < 0) throw new RecordingError('bad-input', `start time ${startTime}: not a whole number of microseconds`);
  if (id.length !== FileHeader.fields.id.size) throw new RecordingError('bad-input', `id of ${id.length} bytes: it has to have ${FileHeader.fields.id.size}`);
  const header = FileHeader.encode({ magic: MAGIC, version: VERSION, page_size: PAGE_SIZE, size, start_time: startTime, id });
  FileHeader.fields.crc.set(new DataView(header.buffer), 0, crc32c(header.subarray(0, FileHeader.fields.crc.offset)));
  return header;
}

/** `header` is what the file begins with, of {@link FileHeader}'s size or less. @throws RecordingError not-a-recording, cut-off, damaged */
export function decodeHeader(header: Uint8Array): RecordingHeader {
  if (!MAGIC.every((byte, i) => header[i] === byte)) throw new RecordingError('not-a-recording', "not a recording: it does not begin with 'vpmemrec'", { offset: 0 });
  if (header.length < FileHeader.size) throw new RecordingError('cut-off', `it ends at offset ${header.length}, within the header of ${FileHeader.size} bytes: nothing can be read`, { offset: header.length });
  const { version, page_size, size, start_time, id, reserved, crc } = FileHeader.decode(new DataView(header.buffer, header.byteOffset, header.byteLength));
  // A later version may have another checksum, so it comes first.
  if (version !== VERSION) throw new RecordingError('not-a-recording', `a recording of version ${version}; this program reads version ${VERSION}`, { offset: FileHeader.fields.version.offset });
  const right = crc32c(header.subarray(0, FileHeader.fields.crc.offset));
  if (crc !== right) throw new RecordingError('damaged', `the header, at offset 0, has checksum ${hex(crc)} and should have ${hex(right)}: nothing can be read`, { offset: 0 });
  if (page_size !== PAGE_SIZE || !isSize(size) || !Number.isSafeInteger(start_time) || reserved.some((byte) => byte !== 0)) {
    throw new RecordingError('damaged', `the header, at offset 0, says ${size} bytes in pages of ${page_size}, which cannot be: nothing can be read`, { offset: 0 });
  }
  return { size, startTime: start_time, id };
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size > 0 && size % PAGE_SIZE === 0 && size <= MAX_SIZE;
}

export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
