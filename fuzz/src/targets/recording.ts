import { isDeepStrictEqual } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { formatState, ImageBuilder, MemoryFile, parseState, Recording, RecordingError, RecordingWriter, verifyRecording, windowName, type ImageTarget } from '@vpmem/recording';
import { must, text, type Target } from '../target.ts';

const PAGE = 4096;
/** Bytes of the largest memory of which images are made. */
const MOST = 16 * PAGE;
/** The first byte of an input. */
const FLAGS = { seal: 1, renumber: 2, state: 128 };
const HEADER = { size: 64, crc: 60 };
const FRAME = { size: 28, length: 4, seq: 8, crc: 24 };

/** What it gives, or the mistake it reports; anything else it throws goes on. */
function attempt<T>(work: () => T): T | RecordingError {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    must(error.message !== '' && !error.message.includes('\n'), () => `an error that is not one line: ${error.message}`);
    return error;
  }
}

/** CRC-32C, bit by bit. */
function crc32c(...parts: readonly Uint8Array[]): number {
  let crc = ~0;
  for (const part of parts) {
    for (const byte of part) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f6_3b78 & -(crc & 1));
    }
  }
  return ~crc >>> 0;
}

/** Makes checksums right, as whoever forges a recording does, and places if asked to, as far as lengths lead. */
function seal(file: Uint8Array, renumber: boolean): void {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < HEADER.size) return;
  view.setUint32(HEADER.crc, crc32c(file.subarray(0, HEADER.crc)), true);
  for (let at = HEADER.size, seq = 0; at + FRAME.size <= file.length; seq++) {
    const end = at + FRAME.size + view.getUint32(at + FRAME.length, true);
    if (end > file.length) return;
    if (renumber) view.setUint32(at + FRAME.seq, seq, true);
    view.setUint32(at + FRAME.crc, crc32c(file.subarray(at, at + FRAME.crc), file.subarray(at + FRAME.size, end)), true);
    at = end;
  }
}

class Image implements ImageTarget {
  readonly bytes: Uint8Array;
  readonly size: number;
  constructor(size: number) {
    this.size = size;
    this.bytes = new Uint8Array(size);
  }
  write(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }
  xorPage(page: number, words: Int32Array): void {
    const own = new Int32Array(this.bytes.buffer, page * PAGE, words.length);
    for (const [i, word] of words.entries()) own[i]! ^= word;
  }
}

/** Everything that can be asked of it. */
function readAll(recording: Recording): void {
  for (const _ of recording.events());
  for (const _ of recording.base());
  const builder = recording.size > MOST ? undefined : new ImageBuilder(recording, new Image(recording.size));
  for (const window of recording.windows.slice(-6)) {
    const { pages } = recording.contents(window);
    if (builder === undefined) continue;
    const name = windowName(window);
    for (const state of [`${name}:all`, `${name}:random:word:1`, ...(pages.length > 0 ? [`${name}:line:-1.1`] : [])]) builder.apply(state);
  }
}

function runState(written: string): void {
  const state = attempt(() => parseState(written));
  if (state instanceof RecordingError) return;
  const again = formatState(state);
  must(formatState(parseState(again)) === again && isDeepStrictEqual(parseState(again).window, state.window), () => `'${again}' reads back as something else`);
}

/** A recording with a frame of most types. */
function sample(): Uint8Array {
  let bytes = new Uint8Array(0);
  const file = {
    write: (more: Uint8Array): void => void (bytes = Uint8Array.of(...bytes, ...more)),
    truncate: (size: number): void => void (bytes = bytes.slice(0, size)),
    close: (): void => undefined,
    remove: (): void => undefined,
  };
  let time = 0;
  const writer = RecordingWriter.onto(file, { size: 8 * PAGE, startTime: 1, id: new Uint8Array(16), now: () => ++time });
  const page = (byte: number): Uint8Array => new Uint8Array(PAGE).fill(byte, 0, 70);
  writer.base([{ at: PAGE, bytes: page(1) }]);
  writer.client('came', 'x');
  writer.pages('tick', [{ page: 1, before: page(1), after: page(2) }]);
  writer.flushAsked(1);
  writer.pages('flush', [{ page: 1, before: page(2), after: page(3) }, { page: 4, before: page(0), after: page(4) }]);
  writer.flushAnswered(1, 'ok');
  writer.mark('m');
  writer.flushAsked(2);
  writer.pages('cut', [{ page: 4, before: page(4), after: page(0) }]);
  writer.cut({ lostBytes: 1, survivedBytes: 0 });
  writer.end();
  return bytes;
}

/** The same with pages as they are before they are deflated, where a change of a byte means something. */
function inflated(file: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [file.subarray(0, HEADER.size)];
  for (let at = HEADER.size; at < file.length; ) {
    const end = at + FRAME.size + new DataView(file.buffer, file.byteOffset).getUint32(at + FRAME.length, true);
    const frame = file.slice(at, end);
    const isPages = frame[0] === 4 && (frame[1]! & 0x80) !== 0;
    const payload = isPages ? inflateRawSync(frame.subarray(FRAME.size)) : frame.subarray(FRAME.size);
    if (isPages) frame[1]! &= 0x7f;
    new DataView(frame.buffer).setUint32(FRAME.length, payload.length, true);
    parts.push(frame.subarray(0, FRAME.size), payload);
    at = end;
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** Recordings with anything in them, most with right checksums, and states with any text. */
export const recording: Target = {
  run: (input) => {
    const flags = input[0] ?? 0;
    const bytes = input.slice(1);
    if ((flags & FLAGS.state) !== 0) return runState(Buffer.from(bytes).toString());
    if ((flags & FLAGS.seal) !== 0) seal(bytes, (flags & FLAGS.renumber) !== 0);
    const file = new MemoryFile(bytes);
    const report = verifyRecording(file);
    const opened = attempt(() => Recording.of(file));
    if (opened instanceof RecordingError) return must(report.problems.length > 0, () => `verify finds nothing: ${opened.message}`);
    must(opened.ending.offset <= bytes.length, () => 'it ends behind its end');
    const outcome = attempt(() => readAll(opened));
    if (report.problems.length > 0) return;
    must(!(outcome instanceof RecordingError), () => `verify finds nothing: ${String(outcome)}`);
    const closed = opened.windows.filter(({ kind, status }) => kind !== 'end' && status !== 'open');
    must(closed.length === report.flushes + report.cuts, () => 'by its index there are other windows than by its frames');
  },
  seeds: [
    Uint8Array.of(0, ...sample()),
    Uint8Array.of(3, ...sample()),
    Uint8Array.of(3, ...inflated(sample())),
    Uint8Array.of(3, ...sample().slice(0, 300)),
    ...['41', '1:page:-3', '41:page:+3,7-9@1', '41:sector:-3.2,3.4-5@0,9', 'cut1:all@2', 'end:random:word:7'].map((state) => Uint8Array.of(FLAGS.state, ...text(state))),
  ],
  maxLength: 2048,
  maxSteps: (length) => 2_000_000 + 1000 * length,
  maxBytes: 2 ** 26,
};
