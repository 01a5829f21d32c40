import { readSync, writeSync } from 'node:fs';
import { fileSyncer, MemoryBackend, type Syncer } from '@vpmem/memory-backend';
import { TestBackend } from '@vpmem/memory-backend/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FlushWatch, type FlushViolation } from './flush-watch.ts';
import { TestDisk } from './test-disk.ts';

const PAGE = 4096;
const SIZE = 64 * PAGE;

let disk: TestDisk;
let judged: (FlushViolation | undefined)[];
beforeEach(async () => {
  disk = await TestDisk.open(SIZE, { powerFailure: true });
  judged = [];
});
afterEach(() => disk.close());

const store = (at: number, text: string): void => void writeSync(disk.description.fd, text, at);
/** Memory that is flushed by `syncer`, and watched; flushes it, and what is stored meanwhile. */
function watched(syncer: Syncer): (meanwhile?: () => void) => Promise<boolean> {
  const memory = new MemoryBackend(disk.description, syncer);
  FlushWatch.of(memory, disk.description, (violation) => judged.push(violation));
  return (meanwhile = () => undefined) =>
    new Promise((resolve) => {
      memory.flushes.request(resolve);
      memory.flushes.start();
      meanwhile();
    });
}

describe('a flush that is watched', () => {
  it('has nothing said against it if it does what it should', async () => {
    const flush = watched(disk.syncer());
    store(0, 'first');
    store(SIZE - 5, 'last!');
    expect(await flush()).toBe(true);
    expect(await flush(() => store(2, 'X'))).toBe(true);
    expect(judged).toEqual([undefined, undefined]);
  });

  it('is not asked for what was stored anew since', async () => {
    const flush = watched({ begun: true, start: (done) => setImmediate(() => done(undefined)) });
    store(PAGE, 'old');
    expect(await flush(() => store(PAGE, 'NEW'))).toBe(true);
    expect(judged).toEqual([undefined]);
  });

  it('is not blamed for random bytes that are by chance what they were before', async () => {
    const flush = watched({ begun: true, start: (done) => setImmediate(() => done(undefined)) });
    store(PAGE, 'a long text');
    expect(await flush(() => store(PAGE, 'o lang test'))).toBe(true);
    expect(judged).toEqual([undefined]);
  });

  it('may fail', async () => {
    const flush = watched({ begun: true, start: (done) => setImmediate(() => done(new Error('EIO'))) });
    store(PAGE, 'old');
    expect(await flush()).toBe(false);
    expect(judged).toEqual([]);
  });

  it('is found out when it answers and writes nothing: device, flush, place', async () => {
    const flush = watched({ begun: true, start: (done) => setImmediate(() => done(undefined)) });
    await flush();
    store(5 * PAGE + 3, 'A');
    expect(await flush()).toBe(true);
    const message = "memory backend 'mem1': flush 2 was answered, but byte 20483 of the file is 0 and not 65, which memory held when it was asked for and holds still";
    expect(judged).toEqual([undefined, { id: 'mem1', flush: 2, at: 5 * PAGE + 3, message }]);
  });

  it('is found out when it leaves out a page, or zeroes that memory was given', async () => {
    const honest = disk.syncer();
    const skipping: Syncer = {
      begun: true,
      start: (done) => {
        const page = Buffer.alloc(PAGE);
        const file = disk.description.medium?.fd ?? -1;
        readSync(file, page, 0, PAGE, PAGE);
        honest.start((error) => {
          writeSync(file, page, 0, PAGE, PAGE);
          done(error);
        });
      },
    };
    store(0, 'x'.repeat(3 * PAGE));
    const flush = watched(skipping);
    await flush();
    await new Promise<void>((resolve) => honest.start(() => resolve()));
    store(PAGE, '\0'.repeat(PAGE));
    await flush();
    expect(judged).toMatchObject([{ at: PAGE }, { at: PAGE }]);
  });

  it('is found out when it compared before it was asked for', async () => {
    const medium = disk.syncer();
    const early = await new Promise<Error | undefined>((resolve) => medium.start(resolve));
    const flush = watched({ begun: true, start: (done) => setImmediate(() => done(early)) });
    store(0, 'late');
    await flush();
    expect(judged).toMatchObject([{ at: 0, flush: 1 }]);
  });
});

it('memory that is its file has no flush to watch', async () => {
  const plain = await TestBackend.open(SIZE);
  const memory = new MemoryBackend(plain.description, fileSyncer(plain.description.fd));
  FlushWatch.of(memory, plain.description, (violation) => judged.push(violation));
  await new Promise((resolve) => {
    memory.flushes.request(resolve);
    memory.flushes.start();
  });
  expect(judged).toEqual([]);
  plain.close();
});
