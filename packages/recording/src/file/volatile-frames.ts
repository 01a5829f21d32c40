import type { PagesCause } from './frame.ts';
import type { FramePosition } from '../writer-state.ts';

interface Positions {
  /** The first pages that are not durable. */
  readonly since?: FramePosition | undefined;
  /** The first behind what the flush that is in flight carries. */
  readonly behind?: FramePosition | undefined;
}

/** Where in a recording the pages begin that were recorded and are not durable. */
export class VolatileFrames {
  /** May be kept, and put back. */
  positions: Positions;

  constructor(since: FramePosition | undefined) {
    this.positions = { since };
  }

  get since(): FramePosition | undefined {
    return this.positions.since;
  }

  asked(): void {
    this.positions = { since: this.since };
  }

  /** Pages were recorded from `first` on. */
  pages(cause: PagesCause, first: FramePosition): void {
    const { since = first, behind = first } = this.positions;
    this.positions = { since, behind: cause === 'flush' ? undefined : behind };
  }

  answered(durable: boolean): void {
    this.positions = { since: durable ? this.positions.behind : this.since };
  }

  cut(): void {
    this.positions = {};
  }
}
