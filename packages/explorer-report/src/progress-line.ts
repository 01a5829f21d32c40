import type { ExploreProgress } from '@vpmem/explorer';
import { paintOf } from './paint.ts';
import { fitted } from './text-layout.ts';
import { duration, number } from './wording.ts';

/** How progress is shown. */
export interface ProgressOptions {
  /** Whether it goes to a terminal, where one line is written over. */
  readonly terminal: boolean;
  readonly colors?: boolean;
  /** Columns of the terminal now. */
  readonly width?: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Milliseconds between two lines at least: at a terminal, and where each stays. */
const TERMINAL_PAUSE = 100;
const PLAIN_PAUSE = 5000;

/** The line that says how far it is, while it runs. */
export class ProgressLine {
  readonly #options: ProgressOptions;
  #last = -Infinity;
  #shown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** What to write now, which is nothing if the last was a short time ago. */
  update(progress: ExploreProgress): string {
    const { terminal, now = () => performance.now(), width = () => 80, colors = false } = this.#options;
    const time = now();
    if (time - this.#last < (terminal ? TERMINAL_PAUSE : PLAIN_PAUSE)) return '';
    this.#last = time;
    if (!terminal) return `${progressText(progress)}\n`;
    this.#shown = true;
    // One column stays free: in the last one some terminals go on to the next line.
    const line = fitted(progressText(progress), Math.max(20, width()) - 1);
    return `\r${progress.failures.states > 0 ? paintOf(colors).bad(line) : line}\u001b[K`;
  }

  /** What to write before anything else is: it takes the line off the terminal. */
  clear(): string {
    if (!this.#shown) return '';
    [this.#shown, this.#last] = [false, -Infinity];
    return '\r\u001b[K';
  }
}

/** The most important first, as a narrow terminal shows only that. */
function progressText({ windows, known, failures, rate, left }: ExploreProgress): string {
  return [
    `window ${number(windows.done)}/${number(windows.all)}`,
    `${number(failures.states)} failed`,
    `${number(known)} states`,
    `${number(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))}/s`,
    ...(Number.isFinite(left) ? [`${duration(left)} left`] : []),
  ].join(', ');
}
