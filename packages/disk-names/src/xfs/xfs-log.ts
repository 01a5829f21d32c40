import { fieldsAt, RANK, type Stretch } from '../stretch.ts';
import { LOG_MAGIC, LogRecordHeader } from './xfs-layout.ts';
import type { XfsVolume } from './xfs-volume.ts';

/** The log counts in blocks of this size, whatever the file system's is. */
const BASIC_BLOCK = 512;
/** Bytes of a record that one block of its header is for. */
const HEADER_REACH = 32 * 1024;
const MOST_HEADER_BLOCKS = 16;
/** Those of a log of 1 GiB. */
const MOST_BLOCKS = 2 ** 21;

/** A record, where it lies; in blocks of the log. */
interface LogRecord {
  readonly cycle: number;
  readonly block: number;
  readonly headerBlocks: number;
  readonly dataBlocks: number;
}

/** The log inside an XFS. What earlier rounds left is named as well. */
export class XfsLog {
  readonly #volume: XfsVolume;
  /** Bytes from the image's start. */
  readonly #start: number;
  readonly #blocks: number;
  readonly #records: LogRecord[] = [];

  constructor(volume: XfsVolume, start: number) {
    this.#volume = volume;
    this.#start = start;
    this.#blocks = Math.min(MOST_BLOCKS, Math.floor((volume.logBlocks * volume.blockSize) / BASIC_BLOCK));
    for (let block = 0; block < this.#blocks && start + block * BASIC_BLOCK < volume.view.size; block++) this.#addRecord(block);
  }

  /** What is at `offset` of the image, which is in the log. */
  stretch(offset: number): Stretch {
    const block = Math.floor((offset - this.#start) / BASIC_BLOCK);
    const next = this.#firstAfter(block);
    // What is before the first record may belong to the last, which goes round the log's end.
    const record = this.#records[next - 1] ?? this.#records.at(-1);
    const ahead = record === undefined ? 0 : (block - record.block + this.#blocks) % this.#blocks;
    const limit = this.#records[next]?.block ?? Math.max(this.#blocks, block + 1);
    const end = (blocks: number): number => this.#start + Math.min(limit, block + blocks) * BASIC_BLOCK;
    if (record !== undefined && ahead < record.headerBlocks + record.dataBlocks) {
      const name = `record ${record.cycle}:${record.block}`;
      if (ahead === 0) return { end: end(1), rank: RANK.owned, what: `XFS log: header of ${name}`, partAt: fieldsAt(LogRecordHeader, this.#start + block * BASIC_BLOCK) };
      if (ahead < record.headerBlocks) return { end: end(record.headerBlocks - ahead), rank: RANK.owned, what: `XFS log: second header of ${name}` };
      return { end: end(record.headerBlocks + record.dataBlocks - ahead), rank: RANK.owned, what: `XFS log: data of ${name}` };
    }
    return { end: end(limit - block), rank: RANK.used, what: 'XFS log: of no record that is left' };
  }

  /** Index of the first record behind `block`. */
  #firstAfter(block: number): number {
    let [low, high] = [0, this.#records.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle]?.block ?? 0) <= block) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** No block of a record but its header begins with the magic number: the first word of each is that of its cycle. */
  #addRecord(block: number): void {
    const view = this.#volume.view.view(this.#start + block * BASIC_BLOCK, LogRecordHeader.size);
    if (LogRecordHeader.fields.h_magicno.get(view, 0) !== LOG_MAGIC) return;
    const { h_cycle, h_len, h_size, h_version } = LogRecordHeader.decode(view);
    const headerBlocks = h_version >= 2 && h_size > HEADER_REACH ? Math.min(MOST_HEADER_BLOCKS, Math.ceil(h_size / HEADER_REACH)) : 1;
    this.#records.push({ cycle: h_cycle, block, headerBlocks, dataBlocks: Math.ceil(h_len / BASIC_BLOCK) });
  }
}
