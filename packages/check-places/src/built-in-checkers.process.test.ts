import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { builtInChecker } from './built-in-checkers.ts';
import { ScriptSession } from './workers/checker-session.ts';
import { programEnvironment } from './programs.ts';
import { testFolder } from './test-images.ts';

const folder = testFolder();
afterAll(() => folder.remove());

const environment = programEnvironment(process.env);
/** What a built-in checker says of a tree. */
const judge = async (name: string, tree: string, marks: readonly string[]): Promise<string> => {
  const out = join(folder.path, 'out');
  mkdirSync(out, { recursive: true });
  const session = new ScriptSession(builtInChecker(name), folder.path, environment);
  const { verdict, signature } = await session.ask({ state: '1', window: '1', marks, watch: [] }, tree, { image: '/dev/null', mount: tree, out });
  return `${verdict}: ${signature}`;
};
const treeOf = (files: Record<string, string>): string => {
  const tree = mkdtempSync(join(folder.path, 'tree-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(tree, name), content);
  return tree;
};

describe('acked', () => {
  it.each([
    ['1\n2\n17 x\n', ['acked 17'], 'kept: 17 of 17'],
    ['1\n2\n17 x\n', ['acked 18'], 'violated: acknowledged and lost'],
    ['8\n9\n10', ['10'], 'kept: 10 of 10'],
    ['nothing\n', ['1'], 'violated: acknowledged and lost'],
    ['\0\0\0\0' + '5\n3\n', ['3'], 'kept: 3 of 3'],
    ['12345678901234567890\n', ['9999999999999999999'], 'kept: 12345678901234567168 of 9999999999999999999'],
    ['1\n', ['begin'], 'inapplicable: exit status 77'],
  ])('of %j and %j says %s', async (log, marks, expected) => {
    expect(await judge(`acked:it's a log`, treeOf({ "it's a log": log }), marks)).toBe(expected);
  });

  it('wants a file only once something was acknowledged', async () => {
    expect(await judge('acked:log', treeOf({}), ['begin'])).toBe('inapplicable: log is not there');
    expect(await judge('acked:log', treeOf({}), ['1'])).toBe('violated: log is not there');
  });
});

const sqlite = ['/usr/bin/sqlite3', '/usr/local/bin/sqlite3'].find((path) => existsSync(path));

describe.skipIf(sqlite === undefined)(`sqlite${sqlite === undefined ? ' (skipped: there is no sqlite3)' : ''}`, () => {
  const database = (sql: string): string => {
    const tree = treeOf({});
    execFileSync(sqlite ?? '', [join(tree, 'a.db'), sql]);
    return tree;
  };

  it.each([
    ['create table log(id); insert into log values (7)', 'sqlite:a.db', ['8'], 'kept: '],
    ['create table log(id); insert into log values (7)', 'sqlite:a.db:select max(id) from log', ['7'], 'kept: 7 of 7'],
    ['create table log(id); insert into log values (7)', 'sqlite:a.db:select max(id) from log', ['8'], 'violated: acknowledged and lost'],
    ['create table log(id)', 'sqlite:a.db:select max(id) from log', ['1'], 'violated: acknowledged and lost'],
    ['create table log(id)', 'sqlite:a.db:select max(id) from log', [], 'kept: '],
    ['create table t(id)', 'sqlite:a.db:select max(id) from log', ['1'], 'no such table'],
    [`create table log(id); insert into log values ('x')`, 'sqlite:a.db:select max(id) from log', ['1'], 'violated: the query gives no number'],
    ['create table log(id)', 'sqlite:b.db', ['1'], 'violated: b.db is not there'],
  ])('of %j, %s and %j says %s', async (sql, name, marks, expected) => {
    expect(await judge(name, database(sql), marks)).toContain(expected);
  });

  it('finds what is no database, and says what is wrong with one', async () => {
    expect(await judge('sqlite:a.db', treeOf({ 'a.db': 'x'.repeat(8192) }), [])).toContain('file is not a database');
    const tree = database(`create table log(id); create index i on log(id); insert into log values (1); pragma writable_schema=on; delete from sqlite_master where name='i'`);
    expect(await judge('sqlite:a.db', tree, [])).toMatch(/^violated: .*Page 3/i);
  });
});
