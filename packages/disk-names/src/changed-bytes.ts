import type { ImageView } from './image-view.ts';

const STEP = 4096;

/** Tells which bytes differ between images of a disk. */
export class ChangedBytes {
  readonly #views: readonly ImageView[];

  constructor(views: readonly ImageView[]) {
    this.#views = views;
  }

  /** Whether there are images that can differ. */
  get canTell(): boolean {
    return this.#views.length > 1;
  }

  /** The first byte from `from` on, before `end`, that differs; undefined if none does. */
  next(from: number, end: number): number | undefined {
    const [first, ...others] = this.#views;
    if (first === undefined) return undefined;
    for (let at = from; at < end; at += STEP) {
      const length = Math.min(STEP, end - at);
      const own = first.bytes(at, length);
      let nearest: number | undefined;
      for (const other of others) {
        const theirs = other.bytes(at, nearest ?? length);
        const differs = theirs.findIndex((byte, i) => byte !== own[i]);
        if (differs >= 0) nearest = differs;
      }
      if (nearest !== undefined) return at + nearest;
    }
    return undefined;
  }
}
