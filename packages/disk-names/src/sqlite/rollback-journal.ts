import type { ReadableImage } from '../byte-name.ts';
import { fieldsAt, rowsAt, type PartAt } from '../stretch.ts';
import { dataView, JournalFileHeader, pageSize, ROLLBACK_MAGIC, startsWith } from './sqlite-layout.ts';
import type { FilePlace } from './write-ahead-log.ts';

const MOST_SEGMENTS = 100_000;
const USUAL_SECTOR = 512;
/** Records follow to the end of the file. */
const UNCOUNTED = 0xffff_ffff;

/** A header and the records that follow. Offsets are of the file. */
interface Segment {
  readonly start: number;
  readonly records: number;
  readonly end: number;
  readonly isZeroed: boolean;
}

/** A rollback journal. */
export class RollbackJournal {
  readonly #file: ReadableImage;
  readonly #pageSize: number;
  readonly #segments: readonly Segment[];

  private constructor(file: ReadableImage, size: number, sector: number) {
    this.#file = file;
    this.#pageSize = size;
    this.#segments = segments(file, size + 8, sector);
  }

  /** `size` is that of the database's pages, for a journal whose header says no more. Undefined if nothing tells the size. */
  static of(file: ReadableImage, size: number | undefined): RollbackJournal | undefined {
    const header = file.read(0, JournalFileHeader.size);
    const { sector_size, page_size } = JournalFileHeader.decode(dataView(header));
    const isWhole = startsWith(header, ROLLBACK_MAGIC);
    const known = (isWhole ? pageSize(page_size) : undefined) ?? size;
    const sector = isWhole ? (pageSize(sector_size) ?? USUAL_SECTOR) : USUAL_SECTOR;
    return known === undefined ? undefined : new RollbackJournal(file, known, sector);
  }

  place(offset: number, distance: number): FilePlace {
    const segment = this.#segment(offset);
    if (segment === undefined) return { end: Math.max(this.#file.size, offset + 1), what: 'SQLite rollback journal, after its records' };
    if (offset < segment.records) {
      const fields = fieldsAt(JournalFileHeader, segment.start + distance);
      return { end: segment.records, what: `SQLite rollback journal, header${segment.isZeroed ? ', which is zeroed' : ''}`, partAt: fields };
    }
    const length = this.#pageSize + 8;
    const start = segment.records + Math.floor((offset - segment.records) / length) * length;
    const page = dataView(this.#file.read(start, 4)).getUint32(0);
    return { end: Math.min(segment.end, start + length), what: `SQLite rollback journal, record of page ${page}`, partAt: recordParts(start + distance, this.#pageSize) };
  }

  /** The first that ends behind `offset`. */
  #segment(offset: number): Segment | undefined {
    let [low, high] = [0, this.#segments.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle]?.end ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#segments[low];
  }
}

function recordParts(base: number, size: number): PartAt {
  return (offset) => rowsAt(base, base + 4, 4, () => 'page number')(offset) ?? rowsAt(base + 4, base + 4 + size, size, () => 'content')(offset) ?? rowsAt(base + 4 + size, base + 8 + size, 4, () => 'checksum')(offset);
}

function segments(file: ReadableImage, length: number, sector: number): Segment[] {
  const found: Segment[] = [];
  for (let start = 0; start < file.size && found.length < MOST_SEGMENTS; ) {
    const header = file.read(start, JournalFileHeader.size);
    const isWhole = startsWith(header, ROLLBACK_MAGIC);
    // A first header that was zeroed still has its records behind it; a later one ends the journal.
    if (!isWhole && start > 0) break;
    const count = JournalFileHeader.fields.page_count.get(dataView(header), 0);
    const records = start + sector;
    const room = Math.floor((file.size - records) / length);
    const end = records + Math.max(0, !isWhole || count === 0 || count === UNCOUNTED ? room : Math.min(count, room)) * length;
    found.push({ start, records, end: Math.max(records, end), isZeroed: !isWhole });
    start = Math.ceil(Math.max(records, end) / sector) * sector;
  }
  return found;
}
