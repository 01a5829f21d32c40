import { le16, le32, le64, struct, u8 } from '@vpmem/layout';
import { crc32c } from './crc32c.ts';

/** docs/recording-format.md, Frames */
export const FrameHeader = struct('vpmem_recording_frame', { type: u8, flags: u8, reserved: le16, length: le32, seq: le64, time: le64, crc: le32 });

/** Types of frames by name. */
export const FRAME = {
  base: 1,
  'base-end': 2,
  asked: 3,
  pages: 4,
  answered: 5,
  mark: 6,
  client: 7,
  reset: 8,
  cut: 9,
  incomplete: 10,
  index: 11,
  end: 12,
} as const;

export type FrameName = keyof typeof FRAME;

const NAMES = new Map<number, FrameName>((Object.keys(FRAME) as FrameName[]).map((name) => [FRAME[name], name]));

/** The name of a type; undefined if there is none such. */
export function frameName(type: number): FrameName | undefined {
  return NAMES.get(type);
}

/** Bytes of a payload; whatever is longer is parted. */
export const MAX_PAYLOAD = 2 ** 21;

/** Flags of BASE and PAGES: the payload, or what its description says of it, is deflated. */
export const DEFLATED = 0x80;
/** Flag of PAGES: the next frame goes on with the same moment. */
export const MORE = 0x40;
/** Bits of a PAGES frame's flags that hold its cause. */
export const CAUSE_MASK = 0x0f;

/** Why pages were recorded. */
export const CAUSE = {
  /** The flush that was asked for carries them. */
  flush: 1,
  /** Time had passed: `record-interval`. */
  tick: 2,
  /** A mark was made. */
  mark: 3,
  /** Everything was compared anew: a client came, a range was mapped anew. */
  again: 4,
  /** What a power cut left. */
  cut: 5,
} as const;

/** Why pages were recorded. */
export type PagesCause = keyof typeof CAUSE;

const CAUSES = new Map<number, PagesCause>((Object.keys(CAUSE) as PagesCause[]).map((name) => [CAUSE[name], name]));

/** The cause in the flags of a PAGES frame; undefined if there is none such. */
export function causeOf(flags: number): PagesCause | undefined {
  return CAUSES.get(flags & CAUSE_MASK);
}

/** How a flush was answered. */
export const STATUS = { ok: 0, failed: 1, cut: 2 } as const;
/** What came of a flush. */
export type FlushStatus = keyof typeof STATUS;
const STATUSES = Object.keys(STATUS) as FlushStatus[];

/** The status in the flags of an ANSWERED frame; undefined if there is none such. */
export function statusOf(flags: number): FlushStatus | undefined {
  return STATUSES[flags];
}

/** A frame without its payload. */
export interface FrameStart {
  readonly type: number;
  readonly flags: number;
  /** Bytes of the payload. */
  readonly length: number;
  /** 0, 1, 2, … in the order of the file. */
  readonly seq: number;
  /** Microseconds since the recording's start. */
  readonly time: number;
}

/** A frame as it stands in the file. */
export function encodeFrame({ type, flags, seq, time }: Omit<FrameStart, 'length'>, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FrameHeader.size + payload.length);
  const view = new DataView(frame.buffer);
  FrameHeader.write(view, 0, { type, flags, length: payload.length, seq, time });
  frame.set(payload, FrameHeader.size);
  FrameHeader.fields.crc.set(view, 0, frameChecksum(frame));
  return frame;
}

/** The checksum that a whole frame should have: of its header up to the checksum, and of its payload. */
export function frameChecksum(frame: Uint8Array): number {
  return crc32c(frame.subarray(FrameHeader.size), crc32c(frame.subarray(0, FrameHeader.fields.crc.offset)));
}
