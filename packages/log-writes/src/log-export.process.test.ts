import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Model } from '@vpmem/recording/testing';
import { replayLog } from '../tests/replayed-log.ts';
import { contentOf, ScratchFiles } from '../tests/scratch-files.ts';
import { carryOut, script, type ScriptedRecording } from '../tests/scripted-recording.ts';
import { Recording } from '@vpmem/recording';
import { BASE_MARK, toLogWrites } from './log-export.ts';
import { END_MARK, LogFlag } from './log-layout.ts';
import { LogWritesReader } from './log-reader.ts';

const files = new ScratchFiles();
afterEach(() => files.close());

const sectorSize = fc.constantFrom(512 as const, 4096 as const);
const shown = (text: string, image: Uint8Array, expected: Uint8Array): void => {
  expect(Buffer.compare(image, expected), `the image at ${text}`).toBe(0);
};
/** What a script's log replays to, milestone by milestone. */
const expectReplay = (log: Uint8Array, onto: Uint8Array, { milestones }: ScriptedRecording): void => {
  const wanted = milestones.values();
  for (const { flags, mark, image } of replayLog(log, onto)) {
    if ((flags & (LogFlag.flush | LogFlag.mark)) === 0 || mark === END_MARK) continue;
    const { value } = wanted.next();
    if (value === undefined) throw new Error(`nothing should come after all milestones, and ${mark === '' ? 'a flush' : mark} does`);
    expect(mark).toBe(value.mark);
    shown(mark === '' ? `window ${value.window ?? ''}` : mark, image, value.durable);
  }
  expect(wanted.next().done).toBe(true);
};

describe('toLogWrites', () => {
  it('replays to what was durable at every flush, cut and mark', () => {
    fc.assert(
      fc.property(script, sectorSize, (steps, size) => {
        const scripted = carryOut(steps);
        const fd = files.make();
        const result = toLogWrites(scripted.recording, fd, { sectorSize: size });
        expectReplay(contentOf(fd), scripted.base.slice(), scripted);
        const count = (type: RegExp): number => scripted.milestones.filter(({ mark, window = mark }) => type.test(window)).length;
        expect(result).toMatchObject({ flushes: count(/^\d/), cuts: count(/^cut/), marks: count(/^mark/), unanswered: scripted.unanswered, cutMarks: 0 });
        expect(result.entries).toBe(new LogWritesReader(fd).entryCount);
        files.close();
      }),
      { numRuns: 100 },
    );
  });

  it('replays onto zeroes if the base is in it, and says where it ends', () => {
    fc.assert(
      fc.property(script, sectorSize, (steps, size) => {
        const scripted = carryOut(steps);
        const fd = files.make();
        toLogWrites(scripted.recording, fd, { sectorSize: size, base: true });
        const milestones = [
          { mark: '', durable: scripted.base },
          { mark: BASE_MARK, durable: scripted.base },
          ...scripted.milestones,
        ];
        expectReplay(contentOf(fd), new Uint8Array(scripted.base.length), { ...scripted, milestones });
        files.close();
      }),
      { numRuns: 30 },
    );
  });

  it('writes the sectors that changed, what touches as one', () => {
    const model = new Model(new Uint8Array(4 * 4096));
    model.store(100, Buffer.from('one'));
    model.store(4096 - 10, Buffer.from('over the border'));
    model.store(3 * 4096 + 1024, Buffer.from('apart'));
    model.ask();
    model.answer('ok');
    model.end();
    const fd = files.make();
    toLogWrites(Recording.of(model.bytes.file), fd);
    const writes = [...new LogWritesReader(fd).entries()].map(({ offset, length, flags }) => [offset, length, flags]);
    expect(writes).toEqual([[0, 512, 0], [3584, 1024, 0], [13312, 512, 0], [0, 0, LogFlag.flush], [0, 0, LogFlag.mark]]);
  });

  it('tells of marks that are too long', () => {
    const model = new Model(new Uint8Array(4096));
    model.writer.mark('m'.repeat(480));
    model.writer.mark('m'.repeat(479));
    model.end();
    const recording = Recording.of(model.bytes.file);
    expect(toLogWrites(recording, files.make())).toMatchObject({ marks: 2, cutMarks: 1 });
    expect(toLogWrites(recording, files.make(), { sectorSize: 4096 })).toMatchObject({ marks: 2, cutMarks: 0 });
  });
});
