import { fstatSync, readSync } from 'node:fs';
import { LogWritesError } from './log-error.ts';
import { ALL_LOG_FLAGS, LOG_MAGIC, LOG_SECTOR_SIZES, LOG_VERSION, LogFlag, LogWriteEntry, LogWriteSuper, type LogSectorSize } from './log-layout.ts';

/** One entry of a log. Ranges are in bytes of the device that was logged. */
export interface LogEntry {
  /** From 0, as `replay-log --start-entry` counts. */
  readonly index: number;
  /** Its own sector in the log. */
  readonly at: number;
  /** A sum of `LogFlag`s; 0 for a plain write. */
  readonly flags: number;
  readonly offset: number;
  /** 0 if it is only a flush or a mark. */
  readonly length: number;
  /** The text of a mark. */
  readonly mark?: string;
}

/**
 * Reads a log of dm-log-writes, version 1, from a descriptor of a file or a block device. One entry at a time is in memory, and data
 * only when it is asked for.
 */
export class LogWritesReader {
  readonly sectorSize: LogSectorSize;
  /** Entries that the superblock counts; what may lie behind them is no part of the log. */
  readonly entryCount: number;
  readonly #fd: number;
  /** Bytes, or undefined where only a read can tell. */
  readonly #size: number | undefined;

  /** @throws LogWritesError if there is no log */
  constructor(fd: number) {
    this.#fd = fd;
    const status = fstatSync(fd);
    this.#size = status.isFile() ? status.size : undefined;
    const head = Buffer.alloc(LogWriteSuper.size);
    const length = readAt(fd, head, 0);
    const found = LogWriteSuper.decode(view(head));
    if (length < 8 || found.magic !== LOG_MAGIC) {
      const what = length < 8 ? `no more than ${length} bytes` : `0x${found.magic.toString(16)}`;
      throw new LogWritesError('not-a-log', 0, `expected the magic number 0x${LOG_MAGIC.toString(16)}, found ${what}`);
    }
    if (length < head.length) throw new LogWritesError('not-a-log', 0, `expected a superblock of ${head.length} bytes, found ${length}`);
    if (found.version !== LOG_VERSION) throw new LogWritesError('bad-version', 0, `expected version ${LOG_VERSION}, found ${found.version}`);
    const sectorSize = LOG_SECTOR_SIZES.find((size) => size === found.sectorsize);
    if (sectorSize === undefined) throw new LogWritesError('bad-sector-size', 0, `expected a sector size of ${LOG_SECTOR_SIZES.join(' or ')}, found ${found.sectorsize}`);
    this.sectorSize = sectorSize;
    this.entryCount = found.nr_entries;
  }

  /** The entries in their order. @throws LogWritesError at the first that is malformed or not there */
  *entries(): Generator<LogEntry, void, undefined> {
    const sector = Buffer.alloc(this.sectorSize);
    let at = 1;
    for (let index = 0; index < this.entryCount; index++) {
      if (readAt(this.#fd, sector, at * this.sectorSize) < sector.length) {
        throw new LogWritesError('cut-off', at, `expected entry ${index} of ${this.entryCount}, found the end of the log`);
      }
      const entry = this.#entry(sector, index, at);
      const dataSectors = hasData(entry) ? entry.length / this.sectorSize : 0;
      if (dataSectors > 0) this.#expectData(entry, at + dataSectors);
      yield entry;
      at += 1 + dataSectors;
    }
  }

  /**
   * Fills `into` with an entry's data, from `from` bytes into it; a discard's is zero.
   *
   * @throws LogWritesError if it is not there
   */
  read(entry: LogEntry, from: number, into: Uint8Array): void {
    if (from < 0 || from + into.length > entry.length) throw new RangeError(`entry ${entry.index} has ${entry.length} bytes, not ${from + into.length}`);
    if (!hasData(entry)) {
      into.fill(0);
      return;
    }
    const length = readAt(this.#fd, into, (entry.at + 1) * this.sectorSize + from);
    if (length < into.length) throw this.#missing(entry, entry.at + 1 + Math.floor((from + length) / this.sectorSize));
  }

  #entry(sector: Buffer, index: number, at: number): LogEntry {
    const { sector: target, nr_sectors: sectors, flags, data_len: dataLength } = LogWriteEntry.decode(view(sector));
    const wrong = (problem: string): LogWritesError => new LogWritesError('bad-entry', at, `expected entry ${index} of ${this.entryCount}, found one ${problem}`);
    if (flags === 0 && sectors === 0) throw wrong('that neither writes nor flushes');
    if (flags > ALL_LOG_FLAGS) throw wrong(`with the unknown flags 0x${flags.toString(16)}`);
    const isMark = (flags & LogFlag.mark) !== 0;
    // As replay-log tells an entry from data: the byte after the header is that of a mark, or zero.
    if (flags !== LogFlag.mark && sector[LogWriteEntry.size] !== 0) throw wrong('that is not followed by zeroes');
    if (!Number.isSafeInteger((target + sectors) * this.sectorSize)) throw wrong(`of ${sectors} sectors at ${target}`);
    if (isMark && dataLength > this.sectorSize - LogWriteEntry.size) throw wrong(`with a mark of ${dataLength} bytes, which its sector cannot hold`);
    const common = { index, at, flags, offset: target * this.sectorSize, length: sectors * this.sectorSize };
    return isMark ? { ...common, mark: markText(sector.subarray(LogWriteEntry.size, LogWriteEntry.size + dataLength)) } : common;
  }

  /** A log that ends within an entry's data is to be told of there, not at the next entry. */
  #expectData(entry: LogEntry, last: number): void {
    const end = (last + 1) * this.sectorSize;
    const isThere = this.#size === undefined ? readAt(this.#fd, Buffer.alloc(1), end - 1) === 1 : this.#size >= end;
    if (!isThere) throw this.#missing(entry, last);
  }

  #missing(entry: LogEntry, at: number): LogWritesError {
    return new LogWritesError('cut-off', at, `expected data of entry ${entry.index} of ${this.entryCount}, found the end of the log`);
  }
}

/** Whether data of an entry is in the log. */
function hasData({ flags, length }: LogEntry): boolean {
  return length > 0 && (flags & LogFlag.discard) === 0;
}

/** The text up to its first zero, as replay-log compares it. */
function markText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

function view({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Reads until `into` is full or the file ends. @returns bytes */
function readAt(fd: number, into: Uint8Array, position: number): number {
  let length = 0;
  while (length < into.length) {
    const count = readSync(fd, into, length, into.length - length, position + length);
    if (count === 0) break;
    length += count;
  }
  return length;
}
