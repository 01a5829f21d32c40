import { ByteSink } from './byte-sink.ts';
import { ByteSource, MalformedError } from './byte-source.ts';
import type { FrameStart } from './frame.ts';

/** Frames that one INDEX lists at most. */
export const FRAMES_IN_INDEX = 4096;
/** Flushes after which an INDEX comes. */
export const FLUSHES_IN_INDEX = 256;

/** What an INDEX says of a frame; where it lies follows from those before it. */
export interface IndexedFrame extends Omit<FrameStart, 'seq'> {
  /** Of an asked or answered flush; 0 of everything else. */
  readonly number: number;
}

/** All frames since the INDEX before, that one included. */
export interface IndexSection {
  /** Offset of the INDEX before; 0 if this is the first. */
  readonly previous: number;
  /** Offset and seq of the first frame that is listed. */
  readonly offset: number;
  readonly seq: number;
  readonly frames: readonly IndexedFrame[];
}

export function encodeIndex({ previous, offset, seq, frames }: IndexSection): Uint8Array {
  const sink = new ByteSink(64 + 8 * frames.length);
  for (const value of [previous, offset, seq, frames.length]) sink.varint(value);
  let before = 0;
  for (const { type, flags, length, time, number } of frames) {
    sink.u8(type);
    sink.u8(flags);
    sink.varint(length);
    sink.varint(time - before);
    sink.varint(number);
    before = time;
  }
  return sink.view();
}

/** @throws MalformedError */
export function decodeIndex(payload: Uint8Array): IndexSection {
  const source = new ByteSource(payload);
  const [previous, offset, seq, count] = [source.varint(), source.varint(), source.varint(), source.varint()];
  if (count > FRAMES_IN_INDEX) throw new MalformedError(`it lists ${count} frames; ${FRAMES_IN_INDEX} is the most`);
  const frames: IndexedFrame[] = [];
  let time = 0;
  for (let i = 0; i < count; i++) {
    const [type, flags, length] = [source.u8(), source.u8(), source.varint()];
    time += source.varint();
    frames.push({ type, flags, length, time, number: source.varint() });
  }
  source.end();
  return { previous, offset, seq, frames };
}

/** Bytes of the payload of END, which is found from the file's end. */
export const END_SIZE = 8;

/** Where the last INDEX is. */
export function encodeEnd(index: number): Uint8Array {
  const sink = new ByteSink(END_SIZE);
  sink.le64(index);
  return sink.view();
}

/** @throws MalformedError */
export function decodeEnd(payload: Uint8Array): number {
  const source = new ByteSource(payload);
  const index = source.le64();
  source.end();
  return index;
}
