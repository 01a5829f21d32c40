import { MalformedError } from './file/byte-source.ts';
import type { FrameTable } from './file/frame-table.ts';
import { causeOf, FRAME, MORE, statusOf, type FlushStatus } from './file/frame.ts';

/**
 * A time in which something was volatile: what a power cut within it can leave is a state. Frames are counted as in the file; a state
 * takes PAGES frames only.
 */
export interface RecordedWindow {
  /** `flush`: it ends with that flush's answer. `cut`: the power was cut. `end`: the recording ends. */
  readonly kind: 'flush' | 'cut' | 'end';
  /** Of the flush, or which cut of the recording, from 1; 0 at the end. */
  readonly number: number;
  /** What is durable as it begins are all frames before this one. */
  readonly from: number;
  /** What is durable as it ends, if all goes well, are all frames before this one: what a flush carries, what a cut left. */
  readonly target: number;
  /** Frames from here on come after it. */
  readonly to: number;
  /** The frame in which the flush is asked for. */
  readonly asked: number | undefined;
  /** How the flush was answered; `open` if it was not. */
  readonly status: FlushStatus | 'open';
}

interface FlushInFlight {
  readonly number: number;
  readonly asked: number;
  target: number;
}

/** What the frames of a recording mean, in the order of the file. */
export class Timeline {
  readonly #windows: RecordedWindow[] = [];
  readonly #table: FrameTable;
  #next = 0;
  /** The frame after BASE_END; 0 as long as there is none. */
  #start = 0;
  #from = 0;
  #flush: FlushInFlight | undefined;
  #lastFlush = 0;
  #cuts = 0;
  /** The first frame of a moment that goes on. */
  #moment: number | undefined;

  constructor(table: FrameTable) {
    this.#table = table;
  }

  /** Those that have ended. */
  get ended(): readonly RecordedWindow[] {
    return this.#windows;
  }

  /** The frame after the base's last; 0 if the base has no end. */
  get start(): number {
    return this.#start;
  }

  /** Frames before this one are whole moments. */
  get whole(): number {
    return this.#moment ?? this.#next;
  }

  /** Takes the next frame of the table. @throws MalformedError if it cannot come here: nothing has changed then */
  take(): void {
    const frame = this.#next;
    const type = this.#table.type(frame);
    const inBase = type === FRAME.base || type === FRAME['base-end'];
    // An INDEX can stand anywhere, so it means nothing.
    if (type !== FRAME.index) {
      if (this.#start === 0 && !inBase && type !== FRAME.incomplete) throw new MalformedError('the base has no end before it');
      if (this.#start > 0 && inBase) throw new MalformedError('a second base');
      if (this.#moment !== undefined && type !== FRAME.pages) throw new MalformedError('more pages of the same moment should come');
      this.#take(frame, type);
    }
    this.#next++;
  }

  /** All windows, with those that the end of the recording has left open. */
  windows(): RecordedWindow[] {
    const to = this.whole;
    const open = this.#flush === undefined ? [] : [this.#window(this.#flush, to, 'open')];
    return [...this.#windows, ...open, { kind: 'end', number: 0, from: this.#from, target: to, to, asked: undefined, status: 'open' }];
  }

  #take(frame: number, type: number): void {
    switch (type) {
      case FRAME['base-end']:
        this.#start = this.#from = frame + 1;
        break;
      case FRAME.asked:
        this.#ask(frame);
        break;
      case FRAME.pages:
        this.#takePages(frame);
        break;
      case FRAME.answered:
        this.#answer(frame);
        break;
      case FRAME.cut:
        this.#cut(frame);
        break;
      default:
    }
  }

  #ask(frame: number): void {
    const { number } = this.#table.row(frame);
    if (this.#flush !== undefined) throw new MalformedError(`flush ${number} is asked for, and flush ${this.#flush.number} was not answered`);
    if (number <= this.#lastFlush) throw new MalformedError(`flush ${number} is asked for after flush ${this.#lastFlush}`);
    this.#flush = { number, asked: frame, target: frame + 1 };
    this.#lastFlush = number;
  }

  #takePages(frame: number): void {
    const flags = this.#table.flags(frame);
    const cause = causeOf(flags);
    if (this.#moment !== undefined && causeOf(this.#table.flags(this.#moment)) !== cause) throw new MalformedError('more pages of the same moment should come');
    if (cause === 'flush' && this.#flush === undefined) throw new MalformedError('pages of a flush, and none was asked for');
    if (cause === 'cut' && this.#flush !== undefined) throw new MalformedError(`pages of a cut, and flush ${this.#flush.number} was not answered`);
    if ((flags & MORE) !== 0) {
      this.#moment ??= frame;
      return;
    }
    this.#moment = undefined;
    if (cause === 'flush' && this.#flush !== undefined) this.#flush.target = frame + 1;
  }

  #answer(frame: number): void {
    const { number, flags } = this.#table.row(frame);
    const status = statusOf(flags) ?? 'failed';
    if (this.#flush?.number !== number) throw new MalformedError(`flush ${number} is answered, and ${this.#flush === undefined ? 'none' : `flush ${this.#flush.number}`} was asked for`);
    this.#windows.push(this.#window(this.#flush, frame + 1, status));
    if (status === 'ok') this.#from = this.#flush.target;
    this.#flush = undefined;
  }

  #cut(frame: number): void {
    if (this.#flush !== undefined) throw new MalformedError(`a cut, and flush ${this.#flush.number} was not answered`);
    const to = frame + 1;
    this.#windows.push({ kind: 'cut', number: ++this.#cuts, from: this.#from, target: to, to, asked: undefined, status: 'cut' });
    this.#from = to;
  }

  #window({ number, asked, target }: FlushInFlight, to: number, status: FlushStatus | 'open'): RecordedWindow {
    return { kind: 'flush', number, from: this.#from, target: Math.min(target, to), to, asked, status };
  }
}

/** How a window is called in a state's text: `41`, `cut1`, `end`. */
export function windowName({ kind, number }: Pick<RecordedWindow, 'kind' | 'number'>): string {
  return kind === 'flush' ? String(number) : kind === 'cut' ? `cut${number}` : 'end';
}

/** The same for people: `flush 41`, `cut 1`, `the end`. */
export function windowWords({ kind, number }: Pick<RecordedWindow, 'kind' | 'number'>): string {
  return kind === 'end' ? 'the end' : `${kind} ${number}`;
}
