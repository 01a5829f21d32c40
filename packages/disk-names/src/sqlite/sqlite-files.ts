import type { ReadableImage } from '../byte-name.ts';
import type { DiskReader } from '../disk-reader.ts';
import { fieldsAt, type Stretch } from '../stretch.ts';
import { SqliteDatabase } from './database.ts';
import { pageParts } from './page-parts.ts';
import { RollbackJournal } from './rollback-journal.ts';
import { DATABASE_MAGIC, DatabaseHeader, dataView, ROLLBACK_MAGIC, startsWith, WAL_MAGIC } from './sqlite-layout.ts';
import { WriteAheadLog, type FilePlace } from './write-ahead-log.ts';

/** What is at an offset of a file; `distance` is what parts are to be moved by. */
type Place = (offset: number, distance: number) => FilePlace;

/** Knows the files of SQLite among those of a file system, by what they begin with, and by the names that belong to a database. */
export class SqliteFiles {
  readonly #reader: DiskReader;
  readonly #places = new Map<number, Place | undefined>();

  constructor(reader: DiskReader) {
    this.#reader = reader;
  }

  /** The same stretch with what SQLite has there, and as long as that is one thing, if it is content of a file of SQLite. `offset` is where it begins. */
  refine(stretch: Stretch, offset: number): Stretch {
    const { inode, fileOffset, path, end } = stretch;
    if (inode === undefined || fileOffset === undefined || stretch.what !== 'data') return stretch;
    if (!this.#places.has(inode)) this.#places.set(inode, this.#open(inode, path));
    const place = this.#places.get(inode)?.(fileOffset, offset - fileOffset);
    if (place === undefined) return stretch;
    return { ...stretch, what: place.what, end: Math.min(end, offset + place.end - fileOffset), ...(place.partAt === undefined ? {} : { partAt: place.partAt }) };
  }

  #open(inode: number, path: string | undefined): Place | undefined {
    const file = this.#reader.open(inode);
    if (file === undefined) return undefined;
    const start = file.read(0, DATABASE_MAGIC.length);
    if (startsWith(start, DATABASE_MAGIC)) return databasePlace(file);
    const [, main, suffix] = /^(.*)-(wal|journal|shm)$/.exec(path ?? '') ?? [];
    const size = main === undefined ? undefined : this.#database(main)?.pageSize;
    const isWal = (dataView(start).getUint32(0) & ~1) >>> 0 === WAL_MAGIC;
    if (isWal || suffix === 'wal') return bound(WriteAheadLog.of(file, size));
    if (startsWith(start, ROLLBACK_MAGIC) || suffix === 'journal') return bound(RollbackJournal.of(file, size));
    return suffix === 'shm' && size !== undefined ? () => ({ end: Math.max(1, file.size), what: 'SQLite index of the WAL' }) : undefined;
  }

  #database(path: string): SqliteDatabase | undefined {
    const inode = this.#reader.tree.find(path);
    const file = inode === undefined ? undefined : this.#reader.open(inode);
    return file === undefined ? undefined : SqliteDatabase.of(file);
  }
}

function bound(file: WriteAheadLog | RollbackJournal | undefined): Place | undefined {
  return file === undefined ? undefined : (offset, distance) => file.place(offset, distance);
}

function databasePlace(file: ReadableImage): Place | undefined {
  const database = SqliteDatabase.of(file);
  if (database === undefined) return undefined;
  const size = database.pageSize;
  return (offset, distance) => {
    if (offset < DatabaseHeader.size) return { end: DatabaseHeader.size, what: 'SQLite header', partAt: fieldsAt(DatabaseHeader, distance) };
    const number = Math.floor(offset / size) + 1;
    const { kind, owner } = database.page(number);
    const start = (number - 1) * size;
    return { end: start + size, what: `SQLite ${kind}, page ${number}${owner === undefined ? '' : `, of ${owner}`}`, partAt: pageParts(file.read(start, size), number, start + distance) };
  };
}
