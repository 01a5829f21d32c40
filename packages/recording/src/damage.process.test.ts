import { expect, it } from 'vitest';
import { frameEnds, MemoryImage } from './testing.ts';
import { sampleModel } from '../tests/sample.ts';
import { MemoryFile } from './file/byte-file.ts';
import { encodeFrame, FRAME } from './file/frame.ts';
import { ImageBuilder } from './image-builder.ts';
import { RecordingError } from './recording-error.ts';
import { Recording } from './recording.ts';
import { windowName } from './timeline.ts';
import { verifyRecording } from './verification.ts';

const model = sampleModel();
model.end();
const whole = model.bytes.bytes;

/** Every window's image, as far as any can be read. */
function images(bytes: Uint8Array): Map<string, string> {
  const recording = Recording.of(new MemoryFile(bytes));
  const image = new MemoryImage(recording.size);
  const builder = new ImageBuilder(recording, image);
  return new Map(
    recording.windows.map((window) => {
      builder.apply({ window, choice: { kind: 'all' } });
      return [windowName(window), Buffer.from(image.bytes).toString('latin1')];
    }),
  );
}

it('a whole recording is verified, and has the frames that it should', () => {
  const recording = Recording.of(new MemoryFile(whole));
  expect(recording.verify()).toEqual({ frames: 25, flushes: 4, cuts: 1, ending: { kind: 'end', offset: whole.length, text: 'it is whole' }, problems: [] });
  expect(recording.windows.map((window) => [windowName(window), window.status])).toEqual([
    ['1', 'ok'],
    ['2', 'ok'],
    ['3', 'failed'],
    ['4', 'cut'],
    ['cut1', 'cut'],
    ['end', 'open'],
  ]);
});

it('cut off at any byte it is readable up to the last whole frame, and says so', () => {
  const right = images(whole);
  const ends = frameEnds(whole);
  for (let length = 0; length < whole.length; length++) {
    const bytes = whole.slice(0, length);
    const lastEnd = ends.findLast((end) => end <= length) ?? 64;
    // One frame of base, and its end.
    if (lastEnd < ends[1]!) {
      expect(() => Recording.of(new MemoryFile(bytes)), `at ${length}`).toThrow(RecordingError);
      if (length >= 8) expect(() => Recording.of(new MemoryFile(bytes))).toThrow(/nothing can be read/);
      continue;
    }
    const recording = Recording.of(new MemoryFile(bytes));
    expect(recording.complete).toBe(false);
    expect(recording.ending).toMatchObject({ kind: 'cut-off', offset: lastEnd });
    expect(verifyRecording(new MemoryFile(bytes)).problems, `at ${length}`).toEqual([]);
    const closed = recording.windows.filter(({ kind, status }) => kind !== 'end' && status !== 'open');
    // Every whole frame, and one byte more: what comes behind it is as long as it is not whole.
    if (length - lastEnd <= 1) for (const [name, image] of images(bytes)) if (closed.some((window) => windowName(window) === name)) expect(image === right.get(name), `flush ${name}, cut off at ${length}`).toBe(true);
    // A window is there as soon as its last frame is.
    expect(closed.map(windowName)).toEqual([...right.keys()].filter((name) => name !== 'end').slice(0, closed.length));
  }
});

it('one bit flipped anywhere is refused, or found by verify', () => {
  for (let bit = 0; bit < 8 * whole.length; bit += 7) {
    const bytes = whole.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const { problems, ending } = verifyRecording(new MemoryFile(bytes));
    if (problems.length === 0 && ending?.kind === 'end') throw new Error(`bit ${bit & 7} of byte ${bit >> 3} makes no difference`);
    // And nothing but that error comes of opening it.
    if (bit % 2 === 1) continue;
    try {
      Recording.of(new MemoryFile(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(RecordingError);
    }
  }
});

it('a frame that is damaged says where, and up to where it can be read', () => {
  const ends = frameEnds(whole);
  // The pages of flush 2: the fourteenth frame.
  const recording = Recording.of(new MemoryFile(whole));
  const pages = [...recording.events()].filter((event) => event.type === 'pages');
  const { frame } = pages.find((event) => event.cause === 'flush' && event.pages === 2)!;
  const start = ends[frame - 1]!;
  const bytes = whole.slice();
  bytes[ends[frame]! - 1]! ^= 1;
  const damaged = Recording.of(new MemoryFile(bytes));
  expect(() => damaged.contents(damaged.window({ kind: 'flush', number: 2 }))).toThrow(
    expect.objectContaining({ code: 'damaged', offset: start, message: expect.stringMatching(new RegExp(`^the frame at offset ${start} is damaged: it has checksum 0x[0-9a-f]{8} and should have 0x[0-9a-f]{8}; it can be read up to flush 1$`)) as string }) as Error,
  );
  expect(damaged.contents(damaged.window({ kind: 'flush', number: 1 })).pages).toEqual(Uint32Array.of(0));
});

it('a second end of the base is refused, with all that comes behind it', () => {
  const [, end = 0] = frameEnds(whole);
  const again = encodeFrame({ type: FRAME['base-end'], flags: 0, seq: 2, time: 1000 }, whole.slice(end - 32, end));
  const file = new MemoryFile(Uint8Array.of(...whole.slice(0, end), ...again));
  expect(verifyRecording(file).problems).toEqual([{ offset: end, text: `the frame at offset ${end}: a second base` }]);
  expect(Recording.of(file).ending).toEqual({ kind: 'damaged', offset: end, text: 'a second base' });
});

it('what is no recording, of another version, or damaged at the start is refused in words', () => {
  const changed = (at: number, byte: number): MemoryFile => {
    const bytes = whole.slice();
    bytes[at] = byte;
    return new MemoryFile(bytes);
  };
  const refusal = (file: MemoryFile): string => {
    try {
      Recording.of(file);
    } catch (error) {
      return `${(error as RecordingError).code}: ${(error as Error).message}`;
    }
    return 'taken';
  };
  expect(refusal(new MemoryFile(new Uint8Array(0)))).toBe("not-a-recording: not a recording: it does not begin with 'vpmemrec'");
  expect(refusal(changed(0, 0x56))).toBe("not-a-recording: not a recording: it does not begin with 'vpmemrec'");
  expect(refusal(changed(8, 2))).toBe('not-a-recording: a recording of version 2; this program reads version 1');
  expect(refusal(changed(16, 1))).toMatch(/^damaged: the header, at offset 0, has checksum 0x[0-9a-f]{8} and should have 0x[0-9a-f]{8}: nothing can be read$/);
  expect(refusal(new MemoryFile(whole.slice(0, 30)))).toBe('cut-off: it ends at offset 30, within the header of 64 bytes: nothing can be read');
  expect(refusal(new MemoryFile(whole.slice(0, 64)))).toBe('cut-off: it has no end, at offset 64, before its base ends: nothing can be read');
  expect(refusal(new MemoryFile(Uint8Array.of(...whole, 0)))).toBe('taken');
  expect(Recording.of(new MemoryFile(Uint8Array.of(...whole, 0))).ending).toEqual({ kind: 'damaged', offset: whole.length, text: '1 bytes come after its end' });
});
