import { UNIT_BYTES, type PageChoice, type StateUnit, type WindowContents } from '@vpmem/recording';
import { wordKeys, type ContentKey } from './content-key.ts';
import { PAGE_BYTES, PAGE_WORDS } from './page-words.ts';

const BEFORE: PageChoice = { unit: 'page', moment: 0 };

/** What one page of a window held at the moments at which it changed, by the names of its words. 4 KiB for each, until they are released. */
export class PageVersions {
  readonly #contents: WindowContents;
  readonly #place: number;
  /** 0, which is before the window, and those at which the page changed. */
  readonly moments: readonly number[];
  readonly #words: (Int32Array | undefined)[] = [];
  /** Two numbers for each version. */
  readonly #keys: Int32Array;

  /** `place` is the page's in {@link WindowContents.pages}. */
  constructor(contents: WindowContents, place: number) {
    this.#contents = contents;
    this.#place = place;
    this.moments = [0, ...contents.momentsOf(place)];
    this.#keys = new Int32Array(2 * this.moments.length);
    for (const version of this.moments.keys()) {
      const words = this.#wordsOf(version);
      for (let i = 0; i < PAGE_WORDS; i += 2) {
        this.#keys[2 * version] = (this.#keys[2 * version] ?? 0) ^ (words[i] ?? 0);
        this.#keys[2 * version + 1] = (this.#keys[2 * version + 1] ?? 0) ^ (words[i + 1] ?? 0);
      }
    }
  }

  /** Adds to `key` what a page holds that is taken so. */
  addChoice({ unit, moment, units }: PageChoice, key: ContentKey): void {
    this.#addPage(moment, key);
    if (units === undefined) return;
    for (const [number, at] of units) {
      if (at === moment) continue;
      this.addUnit(unit, number, moment, key);
      this.addUnit(unit, number, at, key);
    }
  }

  /** The same of one unit of it, counted from the page's start, at a moment. */
  addUnit(unit: StateUnit, number: number, moment: number, key: ContentKey): void {
    if (unit === 'page') return this.#addPage(moment, key);
    const words = this.#wordsOf(this.#versionAt(moment));
    const length = UNIT_BYTES[unit] / 4;
    for (let i = number * length, end = i + length; i < end; i += 2) {
      key.low ^= words[i] ?? 0;
      key.high ^= words[i + 1] ?? 0;
    }
  }

  /** Moments at which a unit held something different each: 0, which is the first, then the target if it had changed by then, or the first of each content. */
  distinct(unit: StateUnit, number: number): readonly number[] {
    const { target } = this.#contents;
    const found: (ContentKey & { readonly moment: number })[] = [];
    for (const moment of [0, target, ...this.moments.slice(1)]) {
      const key = { low: 0, high: 0, moment };
      this.addUnit(unit, number, moment, key);
      if (!found.some(({ low, high }) => low === key.low && high === key.high)) found.push(key);
    }
    return found.map(({ moment }) => moment);
  }

  /** Whether a disk that tears at `unit` can hold a page that is taken so: each of its units is as it was at one moment. */
  canTear(choice: PageChoice, unit: StateUnit): boolean {
    if (choice.units === undefined || UNIT_BYTES[choice.unit] >= UNIT_BYTES[unit]) return true;
    const [parts, whole] = [UNIT_BYTES[unit] / UNIT_BYTES[choice.unit], PAGE_BYTES / UNIT_BYTES[unit]];
    for (let number = 0; number < whole; number++) {
      const key: ContentKey = { low: 0, high: 0 };
      for (let part = number * parts; part < (number + 1) * parts; part++) this.addUnit(choice.unit, part, choice.units.get(part) ?? choice.moment, key);
      if (!this.#isVersion(unit, number, key)) return false;
    }
    return true;
  }

  /** Forgets the words; they are found again when they are asked for. */
  release(): void {
    this.#words.length = 0;
  }

  #isVersion(unit: StateUnit, number: number, { low, high }: ContentKey): boolean {
    return this.moments.some((moment) => {
      const key: ContentKey = { low: 0, high: 0 };
      this.addUnit(unit, number, moment, key);
      return key.low === low && key.high === high;
    });
  }

  #addPage(moment: number, key: ContentKey): void {
    const version = this.#versionAt(moment);
    key.low ^= this.#keys[2 * version] ?? 0;
    key.high ^= this.#keys[2 * version + 1] ?? 0;
  }

  /** The last that is not later. */
  #versionAt(moment: number): number {
    let version = this.moments.length - 1;
    while (version > 0 && (this.moments[version] ?? 0) > moment) version--;
    return version;
  }

  #wordsOf(version: number): Int32Array {
    const known = this.#words[version];
    if (known !== undefined) return known;
    const difference = new Int32Array(PAGE_WORDS);
    this.#contents.addDifference(this.#place, BEFORE, { unit: 'page', moment: this.moments[version] ?? 0 }, difference);
    return (this.#words[version] = wordKeys(this.#place, difference));
  }
}
