// Databases that sqlite3 has made, against its own dbstat, and within a file system.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparePackages, requireTestbed, TestbedError, type PackageTree } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ext4Tools } from '../../tests/ext4-tools.ts';
import { FileImage } from '../../tests/file-image.ts';
import { readFile } from '../files.ts';
import { nameBytes } from '../name-bytes.ts';
import { SqliteDatabase } from './database.ts';

const { testbed, reason } = await requireTestbed();
let packages: PackageTree | undefined;
let missing = reason;
if (missing === undefined) {
  try {
    packages = await preparePackages('sqlite-1', ['sqlite3']);
  } catch (error) {
    if (!(error instanceof TestbedError) || process.env.CI === 'true') throw error;
    missing = error.message;
  }
}

const FILL = `
  CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB); CREATE INDEX t_a ON t(a); CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE gone(x);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, 'text ' || i, zeroblob(i % 50) FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 520) INSERT INTO t SELECT 200000 + i, printf('%.*c', i % 140, 'x'), zeroblob(i) FROM n;
  INSERT INTO t VALUES(100000, 'x', randomblob(50000)); INSERT INTO w SELECT a, b FROM t LIMIT 500; INSERT INTO gone SELECT randomblob(900) FROM t LIMIT 2000; DELETE FROM gone;`;

describe.skipIf(missing !== undefined)(`files of SQLite${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-sqlite-names-'));
    mkdirSync(join(folder, 'files'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const path = (name: string): string => join(folder, 'files', name);
  const sqlite = (name: string, script: string): string => {
    const [command = '', ...words] = packages?.command('usr/bin/sqlite3') ?? [];
    return execFileSync(command, [...words, '-batch', path(name)], { input: script, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
  };

  it.each([
    ['pages of 512 bytes', 'PRAGMA page_size=512;'],
    ['pages of 4 KiB', 'PRAGMA page_size=4096;'],
    ['pages of 64 KiB', 'PRAGMA page_size=65536;'],
    ['pointer maps, pages of 512 bytes', 'PRAGMA page_size=512; PRAGMA auto_vacuum=INCREMENTAL;'],
  ])('%s: each is what dbstat says', (_, pragmas) => {
    sqlite('db', `${pragmas}${FILL}`);
    const database = SqliteDatabase.of(new FileImage(path('db')));
    if (database === undefined) throw new Error('no database was found');
    const count = Number(sqlite('db', 'PRAGMA page_count;'));
    const free = Number(sqlite('db', 'PRAGMA freelist_count;'));
    const stated = new Map<number, { name: string; type: string }>();
    for (const line of sqlite('db', 'SELECT pageno, pagetype, name FROM dbstat;').trim().split('\n')) {
      const [page = '', type = '', name = ''] = line.split('|');
      stated.set(Number(page), { name, type });
    }
    const kinds: Record<string, RegExp> = { internal: / interior$/, leaf: / leaf$/, overflow: /^overflow$/ };
    let unused = 0;
    for (let page = 1; page <= count; page++) {
      const { kind, owner } = database.page(page);
      const said = stated.get(page);
      if (said === undefined) {
        expect(kind, `page ${page}`).toMatch(/^freelist|^pointer map$/);
        if (kind.startsWith('freelist')) unused++;
        continue;
      }
      expect(kind, `page ${page}`).toMatch(kinds[said.type] ?? /^$/);
      expect(owner?.split(' ').at(-1), `page ${page}`).toBe(said.name);
    }
    expect(unused).toBe(free);
    expect(stated.size).toBeGreaterThan(5);
  });

  it('in a file system: database, WAL and rollback journal', () => {
    if (testbed === undefined) throw new Error(missing);
    sqlite('wal.db', `${FILL} PRAGMA journal_mode=WAL;\n.dbconfig no_ckpt_on_close on\nUPDATE t SET a='y' WHERE id=1; UPDATE t SET a='z' WHERE id=2;`);
    sqlite('main.db', FILL);
    const old = readFileSync(path('main.db'));
    sqlite('main.db', `PRAGMA journal_mode=PERSIST; PRAGMA cache_size=2; PRAGMA cache_spill=1;\nBEGIN; UPDATE t SET a=a||'!';\n.shell cp ${path('main.db-journal')} ${path('hot.db-journal')}\nCOMMIT;`);
    const image = new FileImage(new Ext4Tools(testbed.tools, folder).make('image', 32 * 2 ** 20, ['-b', '1024', '-d', join(folder, 'files')]));
    const names = nameBytes([image], [{ offset: 0, length: image.size }]);
    const of = (file: string): { name: string; offset: number; length: number; fileOffset: number | undefined }[] =>
      names.filter((each) => each.path === file && each.fileOffset !== undefined && !each.name.includes('after the end')).map(({ name, offset, length, fileOffset }) => ({ name, offset, length, fileOffset }));

    const database = of('/main.db');
    expect(database[0]).toMatchObject({ name: '/main.db at 0: SQLite header', length: 100 });
    expect(database[1]).toMatchObject({ name: '/main.db at 100: SQLite table leaf, page 1, of sqlite_schema' });
    // mke2fs leaves out blocks that hold zeroes, so not every byte is there.
    for (const { name, fileOffset = 0 } of database.slice(1)) expect(name).toContain(`page ${Math.floor(fileOffset / 4096) + 1}`);
    expect(database.length).toBeGreaterThan(40);

    const frames = of('/wal.db-wal');
    expect(frames[0]?.name).toMatch(/^\/wal\.db-wal at 0: SQLite WAL header/);
    expect(frames.filter(({ name }) => /commit at \d+ pages/.test(name) && name.includes('header of frame'))).toHaveLength(2);
    expect(frames.filter(({ name }) => /frame \d+: (table|index) leaf, page \d+/.test(name)).length).toBeGreaterThanOrEqual(2);
    expect(names.find(({ name }) => name.includes('SQLite index of the WAL'))?.path).toBe('/wal.db-shm');

    const journal = Buffer.from(readFile(image, '/hot.db-journal') ?? []);
    let compared = 0;
    for (const { name, fileOffset = 0 } of of('/hot.db-journal')) {
      const page = Number(/record of page (\d+)$/.exec(name)?.[1] ?? 0);
      // A record that goes on behind blocks of zeroes, which mke2fs leaves out, has a second name.
      if (page === 0 || journal.readUInt32BE(fileOffset) !== page) continue;
      expect(journal.subarray(fileOffset + 4, fileOffset + 4100).equals(old.subarray((page - 1) * 4096, page * 4096)), `page ${page}`).toBe(true);
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
    expect(of('/main.db-journal')[0]?.name).toMatch(/^\/main\.db-journal at 0: SQLite rollback journal, header, which is zeroed/);
  });
});
