import { select, UNIT_BYTES, type RecordedState, type Selection, type StateUnit, type WindowContents } from '@vpmem/recording';
import { keyNumber, type ContentKey } from './content-key.ts';
import { PageVersions } from './page-versions.ts';

/** Pages of which words are kept: some 8 KiB each. */
const WARM_PAGES = 2048;

/** A unit that changed in a window. */
export interface ChangedUnit {
  /** Of its page, in {@link WindowContents.pages}. */
  readonly place: number;
  /** Which of the page's changed units it is, from 1, as a state's text has it. */
  readonly ordinal: number;
  /** Moments at which it held something different each; the first is 0. */
  readonly moments: readonly number[];
}

/** What a state holds of the pages of its window. */
export interface Sketch {
  readonly selection: Selection;
  /** Equal for states of one window that are the same bytes: see {@link ContentKey}. */
  readonly key: number;
  /** The same for each page, by its place: two numbers each. */
  readonly places: Int32Array;
}

/** How many states a window has, and which of them are the same. */
export class WindowVersions {
  readonly contents: WindowContents;
  readonly #pages = new Map<number, PageVersions>();
  /** Pages whose words may be there. */
  readonly #warm = new Set<PageVersions>();

  constructor(contents: WindowContents) {
    this.contents = contents;
  }

  /** How many pages changed. */
  get length(): number {
    return this.contents.pages.length;
  }

  /** @throws RecordingError no-such-state */
  sketch(state: RecordedState): Sketch {
    const selection = select(state, this.contents);
    const places = new Int32Array(2 * this.length);
    const sum: ContentKey = { low: 0, high: 0 };
    for (let place = 0; place < this.length; place++) {
      const key: ContentKey = { low: 0, high: 0 };
      this.#page(place).addChoice(selection(place), key);
      sum.low ^= places[2 * place] = key.low;
      sum.high ^= places[2 * place + 1] = key.high;
    }
    return { selection, key: keyNumber(sum), places };
  }

  /** Whether a disk that tears at `unit` can be left so. */
  canTear({ selection }: Sketch, unit: StateUnit): boolean {
    for (let place = 0; place < this.length; place++) {
      const choice = selection(place);
      if (choice.units !== undefined && !this.#page(place).canTear(choice, unit)) return false;
    }
    return true;
  }

  /** How many units changed, and how many states they make; undefined if these are more than 2^53. */
  count(unit: StateUnit): { readonly units: number; readonly possible: number | undefined } {
    let [units, possible] = [0, 1];
    for (let place = 0; place < this.length; place++) {
      const changed = this.contents.units(place, unit);
      units += changed.length;
      // With one version after the first every unit that changed has two contents.
      if (this.contents.momentsOf(place).length === 1) possible *= 2 ** changed.length;
      else for (const number of changed) possible *= this.#page(place).distinct(unit, number).length;
    }
    return { units, possible: possible <= Number.MAX_SAFE_INTEGER ? possible : undefined };
  }

  /** Those that changed; ask only if they are few. */
  units(unit: StateUnit): readonly ChangedUnit[] {
    const found: ChangedUnit[] = [];
    for (let place = 0; place < this.length; place++) {
      for (const [i, number] of this.contents.units(place, unit).entries()) found.push({ place, ordinal: i + 1, moments: this.#page(place).distinct(unit, number) });
    }
    return found;
  }

  /** Whether a unit of a page held the same at its moment as at another. */
  isSame({ place, unit, number, moment }: { readonly place: number; readonly unit: StateUnit; readonly number: number; readonly moment: number }, other: number): boolean {
    const key: ContentKey = { low: 0, high: 0 };
    for (const each of [moment, other]) this.#page(place).addUnit(unit, number, each, key);
    return key.low === 0 && key.high === 0;
  }

  /** Forgets what can be found again. */
  release(): void {
    for (const page of this.#warm) page.release();
    this.#warm.clear();
  }

  #page(place: number): PageVersions {
    let page = this.#pages.get(place);
    if (page === undefined) this.#pages.set(place, (page = new PageVersions(this.contents, place)));
    if (this.#warm.size >= WARM_PAGES) this.release();
    this.#warm.add(page);
    return page;
  }
}

/** The coarsest first. */
export function inOrderOfSize(units: Iterable<StateUnit>): readonly StateUnit[] {
  return [...new Set(units)].sort((a, b) => UNIT_BYTES[b] - UNIT_BYTES[a]);
}
