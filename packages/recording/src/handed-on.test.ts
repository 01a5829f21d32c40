import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bytes, changedPages, frameEnds, imageOf, MemoryImage, Model } from './testing.ts';
import { sampleModel } from '../tests/sample.ts';
import { MemoryFile } from './file/byte-file.ts';
import { FRAME } from './file/frame.ts';
import { ImageBuilder } from './image-builder.ts';
import { endInterrupted } from './interrupted-recording.ts';
import { RecordingWriter } from './recording-writer.ts';
import { Recording } from './recording.ts';
import { verifyRecording } from './verification.ts';
import { changesSince, type WriterState } from './writer-state.ts';

const PAGE = 4096;
const PAGES = 6;
const SIZE = PAGES * PAGE;

type Step = { readonly type: 'store'; readonly at: number; readonly byte: number } | { readonly type: 'flush' | 'failed' | 'late' | 'tick' | 'mark' | 'cut' | 'again' };
const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('store' as const), at: fc.integer({ min: 0, max: SIZE - 1 }), byte: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ type: fc.constantFrom('flush' as const, 'flush' as const, 'failed' as const, 'late' as const, 'tick' as const, 'mark' as const, 'cut' as const, 'again' as const) }),
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

function carryOut(model: Model, step: Step): void {
  switch (step.type) {
    case 'store':
      model.store(step.at, new Uint8Array(100).fill(step.byte));
      break;
    case 'flush':
    case 'failed':
    case 'late':
      model.ask();
      if (step.type === 'late') {
        model.store(PAGE, new Uint8Array(9).fill(model.flush));
        model.moment('tick');
      }
      model.answer(step.type === 'failed' ? 'failed' : 'ok');
      break;
    case 'cut':
      model.cut((page) => page % 2 === 0, false);
      break;
    case 'again':
      // Another goes on, from the text that it is given, and finds what is volatile in the file.
      model.handOn();
      break;
    default:
      model.moment(step.type);
  }
}

it('is one recording, however often another goes on with it, and what was recorded last is found in the file', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const model = new Model(new Uint8Array(SIZE).fill(9, 2 * PAGE));
      for (const step of script) carryOut(model, step);
      model.end();
      const recording = Recording.of(model.bytes.file);
      expect([recording.verify().problems, recording.complete]).toEqual([[], true]);
      const image = new MemoryImage(SIZE);
      const builder = new ImageBuilder(recording, image);
      for (const each of model.windows) {
        for (const choice of [{ kind: 'all' }, { kind: 'none' }] as const) {
          builder.apply({ window: each.window, choice });
          expect(Buffer.from(image.bytes).equals(imageOf({ window: each.window, choice }, each))).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it('the index is the same as if one had written it all', () => {
  const write = (handOn: boolean): Uint8Array => {
    const bytes = new Bytes();
    let time = 0;
    const options = { size: SIZE, startTime: 1, id: new Uint8Array(16).fill(7), now: () => ++time };
    let writer = RecordingWriter.onto(bytes, options);
    writer.base([]);
    for (let flush = 1; flush <= 600; flush++) {
      writer.flushAsked(flush);
      writer.flushAnswered(flush, 'ok');
      if (handOn && flush % 7 === 0) writer = RecordingWriter.resume(bytes, bytes.file, writer.save(), options);
    }
    writer.end();
    return bytes.bytes;
  };
  expect(Buffer.from(write(true)).equals(write(false))).toBe(true);
});

it('is not handed on before its base, within a flush, or after its end', () => {
  const bytes = new Bytes();
  const writer = RecordingWriter.onto(bytes, { size: SIZE });
  expect(() => writer.save()).toThrow(/after its base/);
  writer.base([]);
  writer.flushAsked(1);
  expect(() => writer.save()).toThrow(/between two flushes/);
  writer.flushAnswered(1, 'ok');
  expect(writer.save()).toMatchObject({ lastFlush: 1 });
  writer.end();
  expect(() => writer.save()).toThrow(/before its end/);
});

it('a file that does not end as it was left is refused, and nothing is written to it', () => {
  const bytes = new Bytes();
  const writer = RecordingWriter.onto(bytes, { size: SIZE });
  writer.base([]);
  for (let flush = 1; flush <= 300; flush++) {
    writer.flushAsked(flush);
    writer.flushAnswered(flush, 'ok');
  }
  const state = writer.save();
  const whole = bytes.bytes;
  const resume = (changed: Uint8Array, other: Partial<WriterState> = {}, size = SIZE): RecordingWriter => RecordingWriter.resume(bytes, new MemoryFile(changed), { ...state, ...other }, { size });
  expect(resume(whole).offset).toBe(whole.length);
  const wrong = whole.slice();
  wrong[state.section.offset + 40]! ^= 1;
  const cases: readonly [RegExp, () => unknown][] = [
    [/does not end as it was left.* it has \d+ bytes/, () => resume(whole.subarray(0, whole.length - 1))],
    [/it has \d+ bytes/, () => resume(Buffer.concat([whole, Buffer.of(0)]))],
    [/another recording/, () => resume(whole, { id: '00'.repeat(16) })],
    [/another recording/, () => resume(whole, {}, 2 * SIZE)],
    [/checksum/, () => resume(wrong)],
    [/frame/, () => resume(whole, { seq: state.seq + 1 })],
    [/no index/, () => resume(whole, { index: state.section.offset + 28 + new DataView(whole.buffer).getUint32(state.section.offset + 4, true) })],
    [/frame|type/, () => resume(whole, { section: { ...state.section, seq: 3 } })],
  ];
  for (const [problem, attempt] of cases) expect(attempt).toThrow(problem);
  expect(bytes.bytes).toBe(whole);
  writer.end();
  expect(() => resume(bytes.bytes)).toThrow(/it has \d+ bytes/);
});

it('one whose writer died at any byte ends after its last whole moment, says why, and has every flush that was answered', () => {
  const model = sampleModel();
  model.store(0, new Uint8Array(SIZE).fill(0x77));
  model.end();
  const whole = model.bytes.bytes;
  const ends = frameEnds(whole);
  const last = ends.at(-1) ?? 0;
  for (let length = 64; length < whole.length; length += length < 200 || ends.some((end) => Math.abs(end - length) < 3) ? 1 : 61) {
    const file = new Bytes();
    file.bytes = whole.slice(0, length);
    const left = endInterrupted(file, file.file, 'whoever recorded has died');
    const kept = Buffer.from(file.bytes);
    expect(left).toMatchObject({ bytes: kept.length, ending: { kind: 'incomplete', text: 'whoever recorded has died' } });
    const end = ends.findLast((each) => each <= length) ?? 64;
    expect([kept.subarray(0, end).equals(whole.subarray(0, end)), kept[end]], `${length}`).toEqual([true, FRAME.incomplete]);
    if (length < ends[1]!) continue;
    const recording = Recording.of(file.file);
    expect(recording.ending).toMatchObject({ kind: 'incomplete', text: 'whoever recorded has died' });
    expect(left.flushes).toBe(recording.windows.filter(({ kind, status }) => kind === 'flush' && status === 'ok').length);
    expect(verifyRecording(new MemoryFile(kept)).problems).toEqual([]);
  }
  // What has an end keeps it.
  const bytes = new Bytes();
  bytes.bytes = whole;
  expect(endInterrupted(bytes, bytes.file, 'too late').ending.kind).toBe('end');
  const cut = new Bytes();
  cut.bytes = whole.slice(0, last - 36);
  endInterrupted(cut, cut.file, 'first');
  expect(endInterrupted(cut, cut.file, 'second').ending.text).toBe('first');
});

it('a moment of which frames are missing goes, and what is damaged stays as it is', () => {
  const bytes = new Bytes();
  const pages = 700;
  const writer = RecordingWriter.onto(bytes, { size: pages * PAGE });
  writer.base([]);
  const before = bytes.bytes.length;
  const held = new Uint8Array(pages * PAGE).map((_, i) => (i * 7919) >>> 5);
  writer.pages('tick', changedPages(new Uint8Array(held.length), held));
  const cut = new Bytes();
  cut.bytes = bytes.bytes.slice(0, frameEnds(bytes.bytes)[2]);
  expect(endInterrupted(cut, cut.file, 'died').bytes).toBe(before + 28 + 4);
  const damaged = new Bytes();
  damaged.bytes = Uint8Array.from([...bytes.bytes.slice(0, before), ...new Uint8Array(100)]);
  expect(endInterrupted(damaged, damaged.file, 'died').ending.kind).toBe('damaged');
  expect(damaged.bytes).toHaveLength(before + 100);
});

it('what changed since a place is found, and a file that does not hold it is refused', () => {
  const bytes = new Bytes();
  const writer = RecordingWriter.onto(bytes, { size: SIZE });
  writer.base([]);
  const from = { offset: writer.offset, seq: 1 };
  writer.pages('tick', [{ page: 2, before: new Uint8Array(PAGE), after: new Uint8Array(PAGE).fill(1) }]);
  const { offset, seq, volatile } = writer.save();
  expect(volatile).toEqual(from);
  const changes = changesSince(bytes.file, from, { offset, seq }, PAGES);
  expect([...changes.keys()]).toEqual([2]);
  expect(new Uint8Array(changes.get(2)!.buffer).every((byte) => byte === 1)).toBe(true);
  expect(() => changesSince(bytes.file, from, { offset: offset + 1, seq }, PAGES)).toThrow(/bytes/);
});
