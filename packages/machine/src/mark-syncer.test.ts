import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { BackendDescription } from '@vpmem/memory-backend';
import { createMemfd } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MarkSyncer } from './mark-syncer.ts';

let fd: number;
beforeEach(() => {
  fd = createMemfd('vpmem-marks', 8192);
});
afterEach(() => closeSync(fd));

/** What came of a flush after the guest has written `text` at the beginning: the marks that were put, and the error. */
async function flush(text: string, of = fd): Promise<{ marks: string[]; error: unknown }> {
  writeSync(fd, text, 0);
  const marks: string[] = [];
  // As everywhere, whoever puts it tells in how many recordings it is.
  const put = (mark: string, done: (marked: number) => void): void => {
    marks.push(mark);
    done(1);
  };
  const backend = { id: 'm', type: 'memory-backend-ram', size: 8192, fd: of, offset: 0 } as BackendDescription;
  const syncer = new MarkSyncer(backend, put, setImmediate);
  const error = await new Promise((resolve) => syncer.start(resolve));
  return { marks, error };
}

describe('MarkSyncer', () => {
  it.each([
    ['a line', 'record 17 is acknowledged\nleft over', ['record 17 is acknowledged']],
    ['what has no end', `${'x'.repeat(4096)}y`, ['x'.repeat(4096)]],
    ['control characters', '\u001b[1mbold\tword \n', ['[1mbold word']],
    ['an empty line', '\nrest', []],
    ['nothing', '\0rest', []],
  ])('makes a mark of %s, and answers the flush without an error', async (_, text, marks) => {
    expect(await flush(text)).toEqual({ marks, error: undefined });
  });

  it('makes one mark of a line that is flushed twice', async () => {
    expect((await flush('one\n')).marks).toEqual(['one']);
    const first = Buffer.alloc(1);
    readSync(fd, first, 0, 1, 0);
    expect(first[0]).toBe(0);
  });

  it('answers with an error where the memory cannot be read', async () => {
    const unreadable = openSync('/dev/null', 'w');
    expect((await flush('one\n', unreadable)).error).toMatchObject({ code: 'EBADF' });
    closeSync(unreadable);
  });
});
