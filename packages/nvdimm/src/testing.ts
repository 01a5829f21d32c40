import type { LabelArea } from './labels/label-area.ts';

/** A label area in memory, which knows what was done to it. */
export interface MemoryLabelArea extends LabelArea {
  readonly bytes: Uint8Array;
  /** How often something outside of it was asked for. */
  outside: number;
  /** How often it was written to. */
  writes: number;
  /** Thrown by every access while it is there. */
  fail: Error | undefined;
  /** Called before every access. */
  before: () => void;
  /** How many bytes were written to it, kept or not. */
  written: number;
  /** From this byte of {@link written} on nothing is kept: a power cut. */
  tearAt: number;
}

/** A label area of zeroes. */
export function memoryLabelArea(size: number, { writable = true } = {}): MemoryLabelArea {
  const bytes = new Uint8Array(size);
  const check = (offset: number, length: number): void => {
    area.before();
    if (area.fail !== undefined) throw area.fail;
    if (offset >= 0 && offset + length <= size) return;
    area.outside++;
    throw new RangeError(`[${offset}, +${length}) of ${size}`);
  };
  const area: MemoryLabelArea = {
    size,
    writable,
    bytes,
    outside: 0,
    writes: 0,
    fail: undefined,
    before: () => undefined,
    written: 0,
    tearAt: Number.POSITIVE_INFINITY,
    read: (offset, length) => {
      check(offset, length);
      return bytes.slice(offset, offset + length);
    },
    write: (offset, data) => {
      check(offset, data.length);
      area.writes++;
      if (!writable) throw new RangeError('it is read-only');
      const kept = Math.max(0, Math.min(data.length, area.tearAt - area.written));
      area.written += data.length;
      bytes.set(data.subarray(0, kept), offset);
    },
  };
  return area;
}
