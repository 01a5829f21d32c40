import { Allowance } from '../allowance.ts';
import type { ReadableImage } from '../byte-name.ts';
import { nameText } from '../file-tree.ts';
import { readCell, readRecord } from './cell.ts';
import { DATABASE_MAGIC, DatabaseHeader, dataView, PAGE_TYPES, PageHeader, pageSize, startsWith } from './sqlite-layout.ts';

/** Pages that are followed: 400 MiB of those of 4 KiB. */
const MOST_PAGES = 100_000;
const DEEPEST = 20;
const SCHEMA_COLUMNS = 4;
/** Bytes of the file that no page may use for content, for locks. */
const LOCK_BYTE = 2 ** 30;
/** Bytes of an entry of a pointer map. */
const MAP_ENTRY = 5;

/** What a page is, and of which table or index. */
export interface PageKind {
  readonly kind: string;
  readonly owner?: string;
}

/** A database of SQLite. What no tree and no list leads to is told by the page itself. */
export class SqliteDatabase {
  readonly pageSize: number;
  readonly #file: ReadableImage;
  readonly #usable: number;
  readonly #hasMaps: boolean;
  readonly #pages = new Map<number, PageKind>();
  readonly #left = new Allowance(MOST_PAGES);

  private constructor(file: ReadableImage, size: number) {
    this.pageSize = size;
    this.#file = file;
    const header = DatabaseHeader.decode(dataView(file.read(0, DatabaseHeader.size)));
    this.#usable = Math.max(480, size - header.reserved_space);
    this.#hasMaps = header.largest_root_page !== 0;
    this.#walkFreelist(header.first_freelist_trunk);
    this.#walkTree(1, 'sqlite_schema', 0, (record) => this.#walkRoot(record));
  }

  /** Undefined if it is not a database. */
  static of(file: ReadableImage): SqliteDatabase | undefined {
    const header = file.read(0, DatabaseHeader.size);
    const size = pageSize(DatabaseHeader.fields.page_size.get(dataView(header), 0));
    return size !== undefined && startsWith(header, DATABASE_MAGIC) ? new SqliteDatabase(file, size) : undefined;
  }

  /** What page `number` is, counted from 1. */
  page(number: number): PageKind {
    if (number === Math.floor(LOCK_BYTE / this.pageSize) + 1) return { kind: 'lock-byte page' };
    if (this.#hasMaps && number >= 2 && (number - 2) % (Math.floor(this.#usable / MAP_ENTRY) + 1) === 0) return { kind: 'pointer map' };
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const type = PAGE_TYPES[this.#read(number)[number === 1 ? DatabaseHeader.size : 0] ?? 0];
    return type === undefined ? { kind: 'page of unknown kind' } : { kind: type };
  }

  #read(number: number): Uint8Array {
    return this.#file.read((number - 1) * this.pageSize, this.pageSize);
  }

  /** Notes what a page is; false if it cannot be one, or is something already. */
  #note(number: number, page: PageKind): boolean {
    if (number < 1 || number > Math.ceil(this.#file.size / this.pageSize) || this.#pages.has(number) || !this.#left.take()) return false;
    this.#pages.set(number, page);
    return true;
  }

  #walkFreelist(first: number): void {
    for (let trunk = first; trunk !== 0 && this.#note(trunk, { kind: 'freelist trunk' }); ) {
      const view = dataView(this.#read(trunk));
      const count = Math.min(view.getUint32(4), this.pageSize / 4 - 2);
      for (let i = 0; i < count; i++) this.#note(view.getUint32(8 + i * 4), { kind: 'freelist leaf' });
      trunk = view.getUint32(0);
    }
  }

  /** A row of the schema: type, name, table, root page. */
  #walkRoot(payload: Uint8Array): void {
    const [type, name, , root] = readRecord(payload, SCHEMA_COLUMNS);
    if (typeof root !== 'number' || root <= 1) return;
    this.#walkTree(root, `${type === 'index' ? 'index' : 'table'} ${nameText(new TextEncoder().encode(String(name)))}`, 0);
  }

  #walkTree(number: number, owner: string, depth: number, each?: (payload: Uint8Array) => void): void {
    // Before anything is read: cells of a damaged page may all lead to one place.
    if (depth > DEEPEST || this.#pages.has(number) || !this.#left.take()) return;
    const page = this.#read(number);
    const view = dataView(page);
    const at = number === 1 ? DatabaseHeader.size : 0;
    const { page_type, cell_count, right_pointer } = PageHeader.decode(view, at);
    const kind = PAGE_TYPES[page_type];
    if (kind === undefined || !this.#note(number, { kind, owner })) return;
    const isInterior = page_type === 2 || page_type === 5;
    const cells = at + (isInterior ? PageHeader.size : PageHeader.fields.right_pointer.offset);
    for (let i = 0; i < cell_count && cells + i * 2 + 2 <= page.length; i++) {
      const cell = readCell(page, view.getUint16(cells + i * 2), page_type, this.#usable);
      if (cell.child !== undefined) this.#walkTree(cell.child, owner, depth + 1, each);
      if (cell.overflow !== undefined) this.#walkOverflow(cell.overflow, owner);
      if (page_type === 13) each?.(cell.local);
    }
    if (isInterior) this.#walkTree(right_pointer, owner, depth + 1, each);
  }

  #walkOverflow(first: number, owner: string): void {
    for (let number = first; number !== 0 && this.#note(number, { kind: 'overflow', owner }); ) number = dataView(this.#read(number)).getUint32(0);
  }
}
