import { readSpan, writeSpan } from '@vpmem/native';
import { TestBackend } from '@vpmem/memory-backend/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MarkSyncer } from './mark-syncer.ts';

describe('a device that takes marks', () => {
  let disk: TestBackend;
  /** Marks, and whoever waits for each. */
  let marks: string[];
  let put: (() => void)[];
  let atOnce: boolean;
  let syncer: MarkSyncer;
  beforeEach(async () => {
    disk = await TestBackend.open(2 ** 20);
    [marks, put, atOnce] = [[], [], true];
    // As everywhere, whoever puts it tells in how many recordings it is, which is no error.
    const mark = (text: string, done: (marked: number) => void): void => {
      marks.push(text);
      if (atOnce) done(1);
      else put.push(() => done(1));
    };
    syncer = new MarkSyncer(disk.description, mark, setImmediate);
  });
  afterEach(() => disk.close());

  const write = (bytes: string | Uint8Array): void => writeSpan(disk.description, 0, Buffer.from(bytes));
  const flush = (): Promise<Error | undefined> =>
    new Promise((resolve) => {
      let within = true;
      syncer.start((error) => {
        expect(within).toBe(false);
        resolve(error);
      });
      within = false;
    });

  it('makes a mark of a line that is flushed, once', async () => {
    write('record 17 is acknowledged\nand what was there before');
    expect(await flush()).toBeUndefined();
    await flush();
    expect(marks).toEqual(['record 17 is acknowledged']);
    const first = Buffer.alloc(2);
    readSpan(disk.description, 0, first);
    expect(first.toString()).toBe('\0e');
  });

  it('answers when all recordings have it, and not before', async () => {
    atOnce = false;
    write('slow\n');
    let answered = false;
    const flushed = flush().then(() => (answered = true));
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect([marks, answered]).toEqual([['slow'], false]);
    put[0]?.();
    await flushed;
  });

  it.each([
    ['ends with a zero', 'seventeen\0rest', ['seventeen']],
    ['has control characters, which become blanks', '\ta\u001b[31mb\r\n', ['a [31mb']],
    ['is of other scripts', 'записано 17 ✓\n', ['записано 17 ✓']],
    ['is as long as a mark can be', 'x'.repeat(5000), ['x'.repeat(4096)]],
    ['is empty', '\n', []],
  ])('takes a line that %s', async (_, text, wanted) => {
    write(text);
    expect(await flush()).toBeUndefined();
    expect(marks).toEqual(wanted);
  });

  it('fails a flush whose line cannot be read', async () => {
    const broken = new MarkSyncer({ ...disk.description, fd: 10_000 }, () => undefined, setImmediate);
    expect(await new Promise((resolve) => broken.start(resolve))).toMatchObject({ code: 'EBADF' });
  });
});
