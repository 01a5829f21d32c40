import { existsSync, mkdtempSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync, ftruncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bytes, frameEnds } from './testing.ts';
import { fileExtents } from './base-content.ts';
import { MemoryFile } from './file/byte-file.ts';
import { RecordingWriter } from './recording-writer.ts';
import type { WriterOptions } from './writer-options.ts';
import { Recording } from './recording.ts';

const PAGE = 4096;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-recording-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function begun(size = 4 * PAGE, options: Partial<WriterOptions> = {}): { bytes: Bytes; writer: RecordingWriter } {
  const bytes = new Bytes();
  const writer = RecordingWriter.onto(bytes, { size, ...options });
  writer.base([]);
  return { bytes, writer };
}

const filled = (byte: number, pages = 1): Uint8Array => new Uint8Array(pages * PAGE).fill(byte);
const zero = (pages = 1): Uint8Array => new Uint8Array(pages * PAGE);

it('writes each step at once, and a batch as one', () => {
  const { bytes, writer } = begun();
  const before = bytes.writes;
  writer.flushAsked(1);
  writer.pages('flush', [{ page: 1, before: zero(), after: filled(1) }]);
  writer.flushAnswered(1, 'ok');
  expect(bytes.writes - before).toBe(3);
  writer.batch(() => {
    writer.flushAsked(2);
    expect(writer.pages('flush', [{ page: 1, before: filled(1), after: filled(1) }])).toBe(0);
    writer.flushAnswered(2, 'failed', 'EIO');
  });
  expect(bytes.writes - before).toBe(4);
  writer.end();
  expect(bytes.state).toBe('closed');
  const recording = Recording.of(bytes.file);
  expect(recording.windows.map(({ number, status }) => [number, status])).toEqual([
    [1, 'ok'],
    [2, 'failed'],
    [0, 'open'],
  ]);
});

it('a moment of many pages is in several frames, and one moment', () => {
  const pages = 700;
  const { bytes, writer } = begun(pages * PAGE);
  writer.flushAsked(1);
  expect(writer.pages('flush', [{ page: 0, before: zero(pages), after: filled(3, pages) }])).toBe(pages);
  writer.flushAnswered(1, 'ok');
  writer.end();
  const recording = Recording.of(bytes.file);
  expect(recording.verify().problems).toEqual([]);
  const contents = recording.contents(recording.window({ kind: 'flush', number: 1 }));
  expect([contents.pages.length, contents.moments.length, contents.target]).toEqual([pages, 1, 1]);
  expect([...recording.events()].filter(({ type }) => type === 'pages')).toMatchObject([{ pages }]);
  // Cut off after the first of its frames, none of it is there.
  // BASE_END, ASKED, and the first of three.
  const ends = frameEnds(bytes.bytes);
  for (const kept of [3, 4]) {
    const short = Recording.of(new MemoryFile(bytes.bytes.slice(0, ends[kept - 1])));
    expect(short.ending).toEqual({ kind: 'cut-off', offset: ends[1], text: 'it has no end' });
    expect(short.contents(short.window({ kind: 'flush', number: 1 })).pages.length).toBe(0);
  }
});

it('256 flushes have an index, by which a recording is opened as without', () => {
  const { bytes, writer } = begun();
  let last = zero();
  for (let flush = 1; flush <= 600; flush++) {
    writer.flushAsked(flush);
    const now = filled(flush & 0xff);
    writer.pages('flush', [{ page: flush % 4, before: flush <= 4 ? zero() : filled((flush - 4) & 0xff), after: now }]);
    last = now;
    writer.flushAnswered(flush, 'ok');
  }
  const open = bytes.bytes;
  writer.end();
  const [scanned, indexed] = [Recording.of(new MemoryFile(open)), Recording.of(bytes.file)];
  expect(indexed.windows.slice(0, 600)).toEqual(scanned.windows.slice(0, 600));
  expect([scanned.complete, indexed.complete]).toEqual([false, true]);
  expect(indexed.verify()).toMatchObject({ flushes: 600, problems: [] });
  const path = join(folder, 'image');
  indexed.writeImage('600', path);
  expect(readFileSync(path).subarray(0, PAGE).equals(last)).toBe(true);
  // Few looks at the file, and none at pages.
  let reads = 0;
  Recording.of({ size: bytes.bytes.length, read: (at, length) => (reads++, bytes.bytes.subarray(at, at + length)) });
  expect(reads).toBeLessThan(20);
});

it('a flush of a database takes less than a kilobyte and a half', () => {
  // A page of a write-ahead log, half of it text that was not there before, and a counter in another.
  const { bytes, writer } = begun(64 * PAGE);
  const before = bytes.bytes.length;
  const page = zero();
  for (let i = 0; i < 2000; i++) page[i] = 0x20 + ((i * i * 31 + (i >> 3)) % 90);
  const counter = zero();
  counter[24] = 1;
  writer.flushAsked(1);
  writer.pages('flush', [{ page: 3, before: zero(), after: counter }, { page: 9, before: zero(), after: page }]);
  writer.flushAnswered(1, 'ok');
  expect(bytes.bytes.length - before).toBeLessThan(1500);
});

describe('input that cannot be', () => {
  it.each<[string, (writer: RecordingWriter) => void, string]>([
    ['an answer that nobody asked for', (w) => w.flushAnswered(1, 'ok'), 'flush 1 is answered, and none was asked for'],
    ['a flush while one is in flight', (w) => [1, 2].forEach((flush) => w.flushAsked(flush)), 'flush 2 is asked for, and flush 1 was not answered'],
    ['a number that was there', (w) => [(): void => w.flushAsked(2), (): void => w.flushAnswered(2, 'ok'), (): void => w.flushAsked(2)].forEach((each) => each()), 'flush 2 is asked for after flush 2; numbers have to ascend'],
    ['number 0', (w) => w.flushAsked(0), 'flush 0 is asked for after flush 0; numbers have to ascend'],
    ['pages of no flush', (w) => w.pages('flush', []), 'pages of a flush, and none was asked for'],
    ['a second base', (w) => w.base([]), 'base again: there is one already'],
    ['an end in a flush', (w) => [(): void => w.flushAsked(1), (): void => w.end()].forEach((each) => each()), 'an end, and flush 1 was not answered'],
    ['pages that go back', (w) => w.pages('tick', [{ page: 1, before: zero(), after: filled(1) }, { page: 1, before: zero(), after: filled(1) }]), '4096 and 4096 bytes of page 1: whole pages, as many, from 2 to 3, can come now'],
    ['a page beyond the end', (w) => w.pages('tick', [{ page: 3, before: zero(2), after: filled(1, 2) }]), '8192 and 8192 bytes of page 3: whole pages, as many, from 0 to 3, can come now'],
    ['half a page', (w) => w.pages('tick', [{ page: 0, before: new Uint8Array(7), after: new Uint8Array(7) }]), '7 and 7 bytes of page 0: whole pages, as many, from 0 to 3, can come now'],
    ['a mark without end', (w) => w.mark('x'.repeat(70_000)), 'a mark of 70000 bytes; 65535 is the most'],
  ])('%s is refused, and nothing of it stays', (_, work, message) => {
    const { bytes, writer } = begun();
    expect(() => work(writer)).toThrow(message);
    // It goes on.
    writer.mark('behind it');
    expect(writer.failure).toBeUndefined();
    expect(Recording.of(bytes.file).verify().problems).toEqual([]);
  });

  it('a step of a batch that fails takes all of it back, also if that is caught', () => {
    const { bytes, writer } = begun(400 * PAGE);
    const before = bytes.bytes;
    const half = function* (): Generator<{ page: number; before: Uint8Array; after: Uint8Array }> {
      yield { page: 0, before: zero(300), after: filled(1, 300) };
      throw new Error('the source is gone');
    };
    expect(() => writer.batch(() => {
      writer.flushAsked(1);
      try {
        writer.pages('flush', half());
      } catch {
        // Somebody thinks nothing of it.
      }
      writer.flushAnswered(1, 'ok');
    })).toThrow('the source is gone');
    expect(Buffer.from(bytes.bytes).equals(before)).toBe(true);
    expect(() => writer.pages('tick', half())).toThrow('the source is gone');
    writer.flushAsked(1);
    writer.flushAnswered(1, 'ok');
    writer.end();
    expect(Recording.of(bytes.file).verify()).toMatchObject({ problems: [], flushes: 1, frames: 5 });
  });

  it('leaves nothing: no file for a size that cannot be, and none in the place of another', () => {
    const path = join(folder, 'a.vpmrec');
    expect(() => RecordingWriter.create(path, { size: 5000 })).toThrow('size 5000: not a multiple of 4096 from 4096 to 17592186044416');
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(path, 'mine');
    expect(() => RecordingWriter.create(path, { size: 4096 })).toThrow(expect.objectContaining({ code: 'exists', message: `${path}: there is such a file already; a recording goes into a new one` }) as Error);
    expect(readFileSync(path, 'utf8')).toBe('mine');
    const other = join(folder, 'b.vpmrec');
    const writer = RecordingWriter.create(other, { size: 4096 });
    expect(() => writer.base([{ at: 4096, bytes: zero() }])).toThrow('a stretch of 4096 bytes at 4096: whole pages, from 0 to 4096, can come now');
    writer.discard();
    expect(existsSync(other)).toBe(false);
    expect(() => writer.mark('x')).toThrow('a mark after the end of the recording');
  });
});

describe('a disk that is full', () => {
  it('ends the recording where it was whole, says so, and says it again', () => {
    const { bytes, writer } = begun(600 * PAGE);
    writer.flushAsked(1);
    writer.pages('flush', [{ page: 0, before: zero(), after: filled(1) }]);
    writer.flushAnswered(1, 'ok');
    const whole = bytes.bytes.length;
    writer.flushAsked(2);
    const asked = bytes.bytes.length;
    const noise = Uint8Array.from({ length: 8 * PAGE }, (_, i) => (i * 2654435761) >>> 13);
    // Room for a frame that says so, and not for the pages.
    bytes.limit = asked + 300;
    expect(() => writer.pages('flush', [{ page: 0, before: zero(8), after: noise }])).toThrow(expect.objectContaining({ code: 'write-failed', message: `the recording cannot be written on (ENOSPC); it can be read up to offset ${asked}` }) as Error);
    expect(() => writer.flushAnswered(2, 'ok')).toThrow('cannot be written on (ENOSPC)');
    expect(writer.failure?.code).toBe('write-failed');
    writer.close();
    const recording = Recording.of(bytes.file);
    expect(recording.ending).toMatchObject({ kind: 'incomplete', text: `the recording cannot be written on (ENOSPC); it can be read up to offset ${asked}` });
    expect(recording.windows.map(({ number, status }) => [number, status])).toEqual([
      [1, 'ok'],
      [2, 'open'],
      [0, 'open'],
    ]);
    expect(recording.verify().problems).toEqual([]);
    expect(whole).toBeLessThan(asked);
  });

  it('without room even for that, it is a recording that was cut off', () => {
    const { bytes, writer } = begun();
    bytes.limit = bytes.bytes.length + 10;
    expect(() => writer.mark('x')).toThrow('cannot be written on (ENOSPC)');
    expect(Recording.of(bytes.file).ending.kind).toBe('cut-off');
  });

  it('as it begins, there is no recording', () => {
    const bytes = new Bytes();
    bytes.limit = 10;
    expect(() => RecordingWriter.onto(bytes, { size: PAGE })).toThrow('the recording cannot be begun: ENOSPC');
    expect(bytes.state).toBe('removed');
  });
});

it('takes its base from a file, holes and all, and gives it back as sparse', () => {
  const size = 64 * 2 ** 20;
  const fd = openSync(join(folder, 'disk'), 'w+');
  ftruncateSync(fd, size);
  writeSync(fd, Buffer.alloc(3 * 2 ** 20 + 100, 5), 0, 3 * 2 ** 20 + 100, 7 * 2 ** 20 + 50);
  writeSync(fd, 'end', size - 3);
  const path = join(folder, 'rec');
  const writer = RecordingWriter.create(path, { size });
  writer.base(fileExtents(fd, size));
  writer.end();
  closeSync(fd);
  const recording = Recording.open(path);
  expect(recording.verify().problems).toEqual([]);
  recording.writeImage('end', join(folder, 'image'));
  expect(readFileSync(join(folder, 'image')).equals(readFileSync(join(folder, 'disk')))).toBe(true);
  expect([...recording.base()].reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(4 * 2 ** 20);
  expect(recording.duration).toBeGreaterThanOrEqual(0);
  recording.close();
});
