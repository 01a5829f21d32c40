import type { ReportedWindow } from '@vpmem/explorer';
import { windowCoverage } from '../unit-coverage.ts';
import type { TimeScale } from './time-scale.ts';

/** What is drawn of windows that lie in the same pixels. */
export interface Bar {
  /** Pixels from the left. */
  readonly from: number;
  readonly to: number;
  /** Pages that changed in the one of them with the most. */
  readonly pages: number;
  /** The least that was done for one of them; skipped ones count only where there is no other. */
  readonly coverage: 'exhaustive' | 'sampled' | 'skipped';
  readonly failed: boolean;
}

const RANK = { skipped: 0, exhaustive: 1, sampled: 2 } as const;

/** The windows of a recording along its time. */
export class TimelineBars {
  readonly windows: readonly ReportedWindow[];
  readonly mostPages: number;
  readonly #coverage: readonly Bar['coverage'][];

  constructor(windows: readonly ReportedWindow[]) {
    this.windows = windows;
    this.mostPages = windows.reduce((most, { pages }) => Math.max(most, pages), 1);
    this.#coverage = windows.map(windowCoverage);
  }

  /** Microseconds at which a window begins: where the one before it ends. */
  begin(index: number): number {
    return this.windows[index - 1]?.time ?? 0;
  }

  /** The window that is open at a moment; the last, if it is after all of them. -1 if there is none. */
  indexAt(time: number): number {
    let [low, high] = [0, this.windows.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.windows[middle]?.time ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return high < 0 ? -1 : low;
  }

  /** The one to point at between two moments: one that failed, if there is one, or what is in the middle. */
  indexNear(from: number, to: number): number {
    const middle = this.indexAt((from + to) / 2);
    for (let distance = 0; distance <= this.windows.length; distance++) {
      const near = [middle - distance, middle + distance].filter((index) => index >= 0 && index < this.windows.length && this.begin(index) <= to && (this.windows[index]?.time ?? 0) >= from);
      if (near.length === 0) return middle;
      const failed = near.find((index) => (this.windows[index]?.violated ?? 0) > 0);
      if (failed !== undefined) return failed;
    }
    return middle;
  }

  /** The next in a direction that failed; `index` itself if there is none. */
  failedFrom(index: number, step: 1 | -1): number {
    for (let at = index + step; at >= 0 && at < this.windows.length; at += step) if ((this.windows[at]?.violated ?? 0) > 0) return at;
    return index;
  }

  /** What is seen, in so many pixels: no more bars than those. */
  bars(scale: TimeScale, width: number): Bar[] {
    const bars: Bar[] = [];
    const { from, to } = scale.view;
    for (let i = this.indexAt(from); i >= 0 && i < this.windows.length && this.begin(i) <= to; i++) {
      const window = this.windows[i];
      if (window === undefined) break;
      const left = Math.max(0, Math.floor(scale.place(this.begin(i)) * width));
      const right = Math.min(width, Math.max(left + 1, Math.floor(scale.place(window.time) * width)));
      const coverage = this.#coverage[i] ?? 'skipped';
      const last = bars.at(-1);
      if (last !== undefined && right <= last.to) {
        bars[bars.length - 1] = { ...last, pages: Math.max(last.pages, window.pages), coverage: RANK[coverage] > RANK[last.coverage] ? coverage : last.coverage, failed: last.failed || window.violated > 0 };
      } else bars.push({ from: Math.max(left, last?.to ?? 0), to: right, pages: window.pages, coverage, failed: window.violated > 0 });
    }
    return bars;
  }
}
