import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Bytes } from '@vpmem/recording/testing';
import { replayLog } from '../tests/replayed-log.ts';
import { contentOf, ScratchFiles } from '../tests/scratch-files.ts';
import { carryOut, script } from '../tests/scripted-recording.ts';
import { Recording, RecordingWriter } from '@vpmem/recording';
import { toLogWrites } from './log-export.ts';
import { fromLogWrites, type ImportedLog } from './log-import.ts';
import { LogFlag } from './log-layout.ts';
import { LogWritesReader } from './log-reader.ts';
import { LogWritesWriter } from './log-writer.ts';

const files = new ScratchFiles();
afterEach(() => files.close());

const imported = (log: number, base: Uint8Array): { recording: Recording; result: ImportedLog } => {
  const bytes = new Bytes();
  const writer = RecordingWriter.onto(bytes, { size: base.length, now: () => 0 });
  const result = fromLogWrites(new LogWritesReader(log), { fd: files.make(base), size: base.length }, writer);
  return { recording: Recording.of(bytes.file), result };
};
const expectImage = (recording: Recording, state: string, expected: Uint8Array): void => {
  const fd = files.make();
  recording.imageOf(state, fd);
  expect(Buffer.compare(contentOf(fd), expected), `the image of ${state}`).toBe(0);
};
const sectorSize = fc.constantFrom(512 as const, 4096 as const);
const SECTORS = 48;
/** In units of sectors of 512 bytes. */
const range = fc.record({ at: fc.nat(SECTORS - 20), length: fc.integer({ min: 1, max: 20 }), fill: fc.integer({ min: 0, max: 255 }) });
const entries = fc.array(fc.record({ type: fc.constantFrom('write', 'write', 'fua', 'discard', 'flush'), range }), { maxLength: 40 });

describe('fromLogWrites', () => {
  it('gives back what an export tells: the same images, the same marks in between', () => {
    fc.assert(
      fc.property(script, sectorSize, (steps, size) => {
        const scripted = carryOut(steps);
        const fd = files.make();
        toLogWrites(scripted.recording, fd, { sectorSize: size });
        const { recording, result } = imported(fd, scripted.base);
        let flushes = 0;
        const milestones = scripted.milestones.map(({ mark }) => (mark === '' ? `flush ${++flushes}` : mark));
        const told = [...recording.events()].flatMap((event) => (event.type === 'mark' ? event.text : event.type === 'answered' ? `flush ${event.flush}` : []));
        expect(told).toEqual(milestones);
        expect(result).toEqual({ flushes, marks: milestones.length - flushes, unflushed: 0 });
        for (const [index, { mark, durable }] of scripted.milestones.entries()) if (mark === '') expectImage(recording, `${milestones[index]?.slice(6) ?? ''}:all`, durable);
        expect(recording.complete).toBe(true);
        files.close();
      }),
      { numRuns: 50 },
    );
  });

  it('makes the images that a replay makes: whatever was written, zeroed, flushed', () => {
    fc.assert(
      fc.property(entries, (steps) => {
        const log = files.make();
        const writer = new LogWritesWriter(log);
        for (const { type, range: { at, length, fill } } of steps) {
          if (type === 'flush') writer.flush();
          else if (type === 'discard') writer.discard(at * 512, length * 512);
          else writer.write(at * 512, Buffer.alloc(length * 512, fill), type === 'fua' ? LogFlag.fua : 0);
        }
        writer.finish();
        const base = new Uint8Array((SECTORS * 512) / 2).fill(1);
        const whole = new Uint8Array(SECTORS * 512);
        whole.set(base);
        const { recording } = imported(log, whole);
        let flush = 0;
        for (const { flags, image } of replayLog(contentOf(log), whole.slice())) {
          if ((flags & (LogFlag.flush | LogFlag.fua)) !== 0) flush++;
          if ((flags & LogFlag.flush) !== 0) expectImage(recording, `${flush}:all`, image);
        }
        files.close();
      }),
      { numRuns: 100 },
    );
  });

  it('reads what the kernel wrote', () => {
    const golden = readFileSync(new URL('../tests/golden/dm-log-writes-6.12.log', import.meta.url));
    const { recording, result } = imported(files.make(golden), new Uint8Array(65_536));
    expect(result).toEqual({ flushes: 6, marks: 2, unflushed: 512 });
    const expected = new Uint8Array(65_536);
    for (const [letter, at, length] of [['a', 4096, 512], ['b', 4608, 1024], ['d', 10_240, 512]] as const) expected.set(Buffer.alloc(length, letter), at);
    expectImage(recording, '5:all', expected);
    expected.set(Buffer.concat([Buffer.alloc(512, 'e'), Buffer.alloc(512)]), 4608);
    expectImage(recording, '6:all', expected);
  });

  it('takes FUA for a flush of its own, discards for zeroes, and keeps what was not flushed volatile', () => {
    const base = new Uint8Array(4 * 4096).fill(1);
    const log = files.make();
    const writer = new LogWritesWriter(log);
    writer.write(0, Buffer.alloc(512, 2), LogFlag.fua);
    writer.write(512, Buffer.alloc(512, 3));
    writer.discard(4096 + 512, 2 * 4096);
    writer.write(4096 + 512, Buffer.alloc(512, 4));
    writer.flush();
    writer.mark('here');
    writer.write(0, Buffer.alloc(1024, 5));
    writer.finish();
    const { recording, result } = imported(log, base);
    expect(result).toEqual({ flushes: 2, marks: 1, unflushed: 1024 });
    const expected = base.slice().fill(2, 0, 512);
    expectImage(recording, '1:all', expected);
    expected.fill(3, 512, 1024).fill(0, 4608, 4608 + 8192).fill(4, 4608, 5120);
    expectImage(recording, '2:all', expected);
    expectImage(recording, 'end:none', expected);
    expectImage(recording, 'end:all', expected.slice().fill(5, 0, 1024));
    expect([...recording.events()].at(-2)).toMatchObject({ type: 'pages', cause: 'tick', pages: 1 });
  });

  it('refuses a log of a larger device', () => {
    const log = files.make();
    const writer = new LogWritesWriter(log);
    writer.discard(0, 8192);
    writer.finish();
    expect(() => imported(log, new Uint8Array(4096))).toThrow('sector 1 of the dm-log-writes log: expected a write within the 4096 bytes of the base, found entry 0 with 8192 bytes at 0');
  });
});
