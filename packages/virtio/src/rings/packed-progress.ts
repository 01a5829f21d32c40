/** Words of memory in which a packed queue says where it stands: the last that gave a buffer back, and what it was to say of it. */
export const PROGRESS_WORDS = 2;

/** Where a packed queue stood before and after it last gave a buffer back, as slot words; equal where it had given none back. */
export interface PackedProgress {
  readonly before: number;
  readonly after: number;
  /** Bytes of that buffer that were filled. */
  readonly written: number;
}

/** Stands for no progress, since a slot after the last is the first of another lap. So memory that is zero says nothing. */
const NOTHING = 0x7fff;

/** What memory says; undefined if it was never written. */
export function readProgress(memory: Int32Array): PackedProgress | undefined {
  const stored = Atomics.load(memory, 0);
  const word = stored ^ NOTHING;
  return stored === 0 ? undefined : { before: word & 0xffff, after: word >>> 16, written: Atomics.load(memory, 1) >>> 0 };
}

/** A death in between leaves what was before. */
export function writeProgress(memory: Int32Array, before: number, after: number, written: number): void {
  Atomics.store(memory, 1, written);
  Atomics.store(memory, 0, (before | (after << 16)) ^ NOTHING);
}

/** @throws RangeError if this cannot be the progress of a queue of `size` */
export function checkProgress({ before, after }: PackedProgress, size: number): void {
  for (const word of [before, after]) {
    if ((word & 0x7fff) >= size) throw new RangeError(`0x${word.toString(16)} is no position in a packed queue of ${size}`);
  }
}
