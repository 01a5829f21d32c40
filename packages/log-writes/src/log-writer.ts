import { ftruncateSync, fstatSync, writeSync } from 'node:fs';
import { LogWritesError } from './log-error.ts';
import { END_MARK, LOG_MAGIC, LOG_VERSION, LogFlag, LogWriteEntry, LogWriteSuper, markRoom, type LogSectorSize } from './log-layout.ts';

/** How a log is written. */
export interface LogWriterOptions {
  /** Bytes; the default is 512. */
  readonly sectorSize?: LogSectorSize;
}

/** Bytes of one entry's data at most: what a bio of the kernel holds, and what replay-log is to take into memory at once. */
const LONGEST = 1 << 20;

/**
 * Writes a log of dm-log-writes, version 1, into a descriptor, from its start. Entries are appended; the superblock, which counts
 * them, comes last, so a log that was broken off is no log. Ranges are in bytes of the device that is logged.
 */
export class LogWritesWriter {
  readonly sectorSize: LogSectorSize;
  readonly #fd: number;
  readonly #sector: Buffer;
  /** Where the next entry goes, in sectors. */
  #at = 1;
  #entries = 0;
  #cutMarks = 0;

  constructor(fd: number, { sectorSize = 512 }: LogWriterOptions = {}) {
    this.#fd = fd;
    this.sectorSize = sectorSize;
    this.#sector = Buffer.alloc(sectorSize);
    // An older log's superblock would count entries that are gone.
    if (fstatSync(fd).isFile()) ftruncateSync(fd, 0);
    writeAll(fd, this.#sector, 0);
  }

  /** Entries so far. */
  get entryCount(): number {
    return this.#entries;
  }

  /** Marks that were longer than an entry can hold. */
  get cutMarks(): number {
    return this.#cutMarks;
  }

  /**
   * Writes `bytes` at `offset`, in as many entries as it takes.
   *
   * @throws LogWritesError if they are not whole sectors
   */
  write(offset: number, bytes: Uint8Array, flags = 0): void {
    this.#expectSectors(offset, bytes.length);
    for (let from = 0; from < bytes.length; from += LONGEST) {
      const part = bytes.subarray(from, from + LONGEST);
      this.#append(offset + from, part.length, flags);
      writeAll(this.#fd, part, this.#at * this.sectorSize);
      this.#at += part.length / this.sectorSize;
    }
  }

  /** Zeroes `length` bytes at `offset`. @throws LogWritesError if they are not whole sectors */
  discard(offset: number, length: number): void {
    this.#expectSectors(offset, length);
    if (length > 0) this.#append(offset, length, LogFlag.discard);
  }

  /** What was written before is durable. */
  flush(): void {
    this.#append(0, 0, LogFlag.flush);
  }

  /** A mark. What an entry cannot hold of it is left out, and counted in `cutMarks`; so is what follows a zero. */
  mark(text: string): void {
    const whole = Buffer.from(text);
    const bytes = whole.subarray(0, markLength(whole, markRoom(this.sectorSize)));
    if (bytes.length < whole.length) this.#cutMarks++;
    this.#append(0, 0, LogFlag.mark, bytes);
  }

  /** Ends the log as the kernel does, with a mark of its own, and makes it one by writing the superblock. @returns entries */
  finish(): number {
    this.mark(END_MARK);
    this.#sector.fill(0);
    LogWriteSuper.write(this.#view, 0, { magic: LOG_MAGIC, version: LOG_VERSION, nr_entries: this.#entries, sectorsize: this.sectorSize });
    writeAll(this.#fd, this.#sector, 0);
    return this.#entries;
  }

  #append(offset: number, length: number, flags: number, mark?: Uint8Array): void {
    this.#sector.fill(0);
    LogWriteEntry.write(this.#view, 0, { sector: offset / this.sectorSize, nr_sectors: length / this.sectorSize, flags, data_len: mark?.length ?? 0 });
    if (mark !== undefined) this.#sector.set(mark, LogWriteEntry.size);
    writeAll(this.#fd, this.#sector, this.#at * this.sectorSize);
    this.#at++;
    this.#entries++;
  }

  #expectSectors(offset: number, length: number): void {
    if (offset % this.sectorSize === 0 && length % this.sectorSize === 0) return;
    throw new LogWritesError('unaligned', this.#at, `expected a write of whole sectors of ${this.sectorSize} bytes, got ${length} bytes at ${offset}`);
  }

  get #view(): DataView {
    return new DataView(this.#sector.buffer, this.#sector.byteOffset, this.#sector.length);
  }
}

/** Bytes of a mark that fit, whole characters, and none behind a zero. */
function markLength(bytes: Buffer, room: number): number {
  const zero = bytes.indexOf(0);
  let length = zero === -1 ? bytes.length : zero;
  if (length <= room) return length;
  length = room;
  while (length > 0 && ((bytes[length] ?? 0) & 0xc0) === 0x80) length--;
  return length;
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let from = 0; from < bytes.length;) from += writeSync(fd, bytes, from, bytes.length - from, position + from);
}
