import { PAGE_SIZE } from './file/file-header.ts';
import { LINE_WORDS, PAGE_WORDS } from './page-changes.ts';
import type { FrameStore } from './file/frame-store.ts';
import type { FrameTable } from './file/frame-table.ts';
import { causeOf, FRAME, MORE, type PagesCause } from './file/frame.ts';
import type { RecordedWindow } from './timeline.ts';

/** Bytes of what is there or not there as one: see docs/recording-states.md. */
export const UNIT_BYTES = { page: 4096, sector: 512, line: 64, word: 8 } as const;
/** The unit in which a state differs from those before and after it. */
export type StateUnit = keyof typeof UNIT_BYTES;
/** Pages of which it is remembered which units changed. */
const KEPT_PAGES = 1024;

/** A time at which what memory held was recorded. */
export interface RecordedMoment {
  readonly cause: PagesCause;
  /** Microseconds since the recording's start. */
  readonly time: number;
  /** How many pages changed since the moment before. */
  readonly pages: number;
}

/** Where one change of one page is. */
interface Change {
  readonly page: number;
  readonly frame: number;
  readonly index: number;
  readonly moment: number;
}

/** Which pages were volatile in a window, and how they changed from moment to moment. Some 40 bytes for each change of a page. */
export class WindowContents {
  readonly window: RecordedWindow;
  /** Numbers of the pages that changed, ascending. */
  readonly pages: Uint32Array;
  /** In the order of time; states count them from 1, and 0 is what was durable before. */
  readonly moments: readonly RecordedMoment[];
  /** The moment that {@link RecordedWindow.target} is at: 0 if nothing changed until then. */
  readonly target: number;
  readonly #store: FrameStore;
  /** Of each page the first of its changes; one more at the end. */
  readonly #starts: Uint32Array;
  readonly #changes: readonly Change[];
  /** Of those pages that were asked for last: states of small units ask for the same again and again. */
  readonly #units = new Map<string, readonly number[]>();

  /** @throws RecordingError damaged */
  constructor(window: RecordedWindow, table: FrameTable, store: FrameStore) {
    this.window = window;
    this.#store = store;
    const changes: Change[] = [];
    const moments: RecordedMoment[] = [];
    let [target, inMoment] = [0, 0];
    for (let frame = window.from; frame < window.to; frame++) {
      if (table.type(frame) !== FRAME.pages) continue;
      const { pages } = store.changes(frame);
      const moment = moments.length + 1;
      for (const [index, page] of pages.entries()) changes.push({ page, frame, index, moment });
      inMoment += pages.length;
      const flags = table.flags(frame);
      if ((flags & MORE) !== 0) continue;
      moments.push({ cause: causeOf(flags) ?? 'again', time: table.time(frame), pages: inMoment });
      inMoment = 0;
      if (frame < window.target) target = moments.length;
    }
    // Stable: changes of a page stay in the order of time.
    changes.sort((a, b) => a.page - b.page);
    const starts: number[] = [];
    for (const [i, { page }] of changes.entries()) if (page !== changes[i - 1]?.page) starts.push(i);
    this.pages = Uint32Array.from(starts, (start) => changes[start]?.page ?? 0);
    this.#starts = Uint32Array.from([...starts, changes.length]);
    this.#changes = changes;
    this.moments = moments;
    this.target = target;
  }

  /** The units of a page that changed at any of the moments, counted from the page's start, ascending. `place` is the page's in {@link pages}. */
  units(place: number, unit: StateUnit): readonly number[] {
    if (unit === 'page') return [0];
    const key = `${place} ${unit}`;
    const known = this.#units.get(key);
    if (known !== undefined) return known;
    if (this.#units.size >= KEPT_PAGES) this.#units.clear();
    const units = this.#unitsOf(place, unit);
    this.#units.set(key, units);
    return units;
  }

  /** The moments at which a page changed, ascending. */
  momentsOf(place: number): readonly number[] {
    const moments: number[] = [];
    this.#forEachChange(place, ({ moment }) => moments.push(moment));
    return moments;
  }

  #unitsOf(place: number, unit: StateUnit): readonly number[] {
    const bytes = UNIT_BYTES[unit];
    const found = new Set<number>();
    this.#forEachChange(place, ({ frame, index }) => {
      this.#store.changes(frame).forEachLine(index, (line, words, from) => {
        for (let i = 0; i < LINE_WORDS; i++) if (words[from + i] !== 0) found.add(Math.floor((4 * (line * LINE_WORDS + i)) / bytes));
      });
    });
    return [...found].sort((a, b) => a - b);
  }

  /**
   * Adds to `sum`, a page's words, what distinguishes the page as `before` has it from the page as `after` has it. Both say for each unit
   * of a page at which moment it is taken. The same adds it again and so takes it back.
   */
  addDifference(place: number, before: PageChoice, after: PageChoice, sum: Int32Array): void {
    if (before.units === undefined && after.units === undefined) return this.#addWhole(place, before.moment, after.moment, sum);
    const [was, is] = [momentsOfLines(before), momentsOfLines(after)];
    const wordsApart = before.unit === 'word' || after.unit === 'word';
    this.#forEachChange(place, ({ frame, index, moment }) => {
      this.#store.changes(frame).forEachLine(index, (line, words, from) => {
        const to = line * LINE_WORDS;
        if (!wordsApart) {
          if (was(to) >= moment === is(to) >= moment) return;
          for (let i = 0; i < LINE_WORDS; i++) sum[to + i] = (sum[to + i] ?? 0) ^ (words[from + i] ?? 0);
          return;
        }
        for (let i = 0; i < LINE_WORDS; i++) {
          if (was(to + i) >= moment !== is(to + i) >= moment) sum[to + i] = (sum[to + i] ?? 0) ^ (words[from + i] ?? 0);
        }
      });
    });
  }

  #addWhole(place: number, before: number, after: number, sum: Int32Array): void {
    this.#forEachChange(place, ({ frame, index, moment }) => {
      if (before >= moment !== after >= moment) this.#store.changes(frame).xorInto(index, sum);
    });
  }

  #forEachChange(place: number, visit: (change: Change) => void): void {
    const end = this.#starts[place + 1] ?? 0;
    for (let i = this.#starts[place] ?? 0; i < end; i++) {
      const change = this.#changes[i];
      if (change !== undefined) visit(change);
    }
  }
}

/** At which moment a page is taken, or each of its units: those that are not listed, at `moment`. */
export interface PageChoice {
  readonly unit: StateUnit;
  readonly moment: number;
  /** By the unit's number in the page; none if the whole page is taken at one moment. */
  readonly units?: ReadonlyMap<number, number>;
}

/** At which moment the 32-bit word of a page that is asked for is taken. */
function momentsOfLines({ unit, moment, units }: PageChoice): (word: number) => number {
  if (units === undefined) return () => moment;
  const words = UNIT_BYTES[unit] / (PAGE_SIZE / PAGE_WORDS);
  return (word) => units.get(Math.floor(word / words)) ?? moment;
}
