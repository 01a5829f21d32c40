/** The stretch of time that is seen; microseconds. */
export interface View {
  readonly from: number;
  readonly to: number;
}

/** Microseconds that are seen at least. */
const LEAST = 100;

/** Which stretch of a recording is seen, and where in it a moment is. */
export class TimeScale {
  readonly duration: number;
  #view: View;

  constructor(duration: number) {
    this.duration = Math.max(LEAST, duration);
    this.#view = { from: 0, to: this.duration };
  }

  get view(): View {
    return this.#view;
  }

  /** Where it is, of 0 to 1 for what is seen. */
  place(time: number): number {
    return (time - this.#view.from) / (this.#view.to - this.#view.from);
  }

  timeAt(place: number): number {
    return this.#view.from + place * (this.#view.to - this.#view.from);
  }

  /** Below 1 is nearer; what is at `place` stays there. */
  zoom(factor: number, place = 0.5): void {
    const at = this.timeAt(place);
    const length = (this.#view.to - this.#view.from) * factor;
    this.#set(at - place * length, length);
  }

  /** By a share of what is seen. */
  pan(share: number): void {
    const length = this.#view.to - this.#view.from;
    this.#set(this.#view.from + share * length, length);
  }

  fit(): void {
    this.#view = { from: 0, to: this.duration };
  }

  /** Moves as little as it takes to see all of a stretch, with some room around it. */
  show({ from, to }: View): void {
    const seen = this.#view.to - this.#view.from;
    if (from >= this.#view.from && to <= this.#view.to) return;
    const length = Math.max(seen, (to - from) * 1.2);
    this.#set((from + to) / 2 - length / 2, length);
  }

  #set(from: number, wanted: number): void {
    const length = Math.min(this.duration, Math.max(LEAST, wanted));
    const begin = Math.min(this.duration - length, Math.max(0, from));
    this.#view = { from: begin, to: begin + length };
  }
}

/** Round moments within a view, some `most` of them at most. */
export function ticksOf({ from, to }: View, most: number): number[] {
  const rough = (to - from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  return Array.from({ length: Math.floor(to / step) - Math.ceil(from / step) + 1 }, (_, i) => (Math.ceil(from / step) + i) * step);
}
