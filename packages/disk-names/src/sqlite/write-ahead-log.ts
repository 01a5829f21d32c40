import type { ReadableImage } from '../byte-name.ts';
import { fieldsAt, type PartAt } from '../stretch.ts';
import { pageParts } from './page-parts.ts';
import { DatabaseHeader, dataView, PAGE_TYPES, pageSize, WAL_MAGIC, WalFrame, WalHeader } from './sqlite-layout.ts';

/** What is at some place of a file of SQLite. Offsets are of the file, those of parts are `distance` more. */
export interface FilePlace {
  readonly end: number;
  readonly what: string;
  readonly partAt?: PartAt;
}

/** A write-ahead log. */
export class WriteAheadLog {
  readonly #file: ReadableImage;
  readonly #pageSize: number;
  readonly #salts: readonly [number, number];

  private constructor(file: ReadableImage, size: number) {
    this.#file = file;
    this.#pageSize = size;
    const { salt_1, salt_2 } = WalHeader.decode(dataView(file.read(0, WalHeader.size)));
    this.#salts = [salt_1, salt_2];
  }

  /** `size` is that of the database's pages, for a log whose header is damaged. Undefined if it is no log. */
  static of(file: ReadableImage, size: number | undefined): WriteAheadLog | undefined {
    const { magic, page_size } = WalHeader.decode(dataView(file.read(0, WalHeader.size)));
    const own = (magic & ~1) >>> 0 === WAL_MAGIC ? pageSize(page_size) : undefined;
    const known = own ?? size;
    return known === undefined ? undefined : new WriteAheadLog(file, known);
  }

  place(offset: number, distance: number): FilePlace {
    if (offset < WalHeader.size) return { end: WalHeader.size, what: 'SQLite WAL header', partAt: fieldsAt(WalHeader, distance) };
    const length = WalFrame.size + this.#pageSize;
    const frame = Math.floor((offset - WalHeader.size) / length);
    const start = WalHeader.size + frame * length;
    const { page_number, database_size, salt_1, salt_2 } = WalFrame.decode(dataView(this.#file.read(start, WalFrame.size)));
    const isOld = salt_1 !== this.#salts[0] || salt_2 !== this.#salts[1];
    const kind = `${database_size > 0 ? `, commit at ${database_size} pages` : ''}${isOld ? ', left from before' : ''}`;
    if (offset < start + WalFrame.size) return { end: start + WalFrame.size, what: `SQLite WAL, header of frame ${frame + 1}: page ${page_number}${kind}`, partAt: fieldsAt(WalFrame, start + distance) };
    const content = this.#file.read(start + WalFrame.size, this.#pageSize);
    const type = PAGE_TYPES[content[page_number === 1 ? DatabaseHeader.size : 0] ?? 0];
    return { end: start + length, what: `SQLite WAL, frame ${frame + 1}: ${type === undefined ? '' : `${type}, `}page ${page_number}${kind}`, partAt: pageParts(content, page_number, start + WalFrame.size + distance) };
  }
}
