import type { MinimalPiece } from '@vpmem/explorer';

export const PAGE_BYTES = 4096;
export const LINE_BYTES = 64;
export const WORD_BYTES = 8;
const LINE_WORDS = LINE_BYTES / WORD_BYTES;
const PAGE_WORDS = PAGE_BYTES / WORD_BYTES;

/** A page that pieces of a minimal set lie in. */
export interface PiecePage {
  /** Bytes from the disk's start. */
  readonly offset: number;
  /** Words of it that the set has, at least in part; and those of which it is shown that they differ. */
  readonly inSet: readonly boolean[];
  readonly differs: readonly boolean[];
}

/** The first pages that pieces lie in, ascending. */
export function piecePages(pieces: readonly MinimalPiece[], most: number): PiecePage[] {
  const pages = new Map<number, { offset: number; inSet: boolean[]; differs: boolean[] }>();
  for (const { offset, length, shown, before, after } of pieces) {
    for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < offset + length && pages.size <= most; page++) {
      const begin = page * PAGE_BYTES;
      const made = pages.get(page) ?? { offset: begin, inSet: Array<boolean>(PAGE_WORDS).fill(false), differs: Array<boolean>(PAGE_WORDS).fill(false) };
      pages.set(page, made);
      const [first, end] = [Math.max(0, Math.floor((offset - begin) / WORD_BYTES)), Math.min(PAGE_WORDS, Math.ceil((offset + length - begin) / WORD_BYTES))];
      made.inSet.fill(true, first, end);
      for (let at = 0; at < before.length; at += 2 * WORD_BYTES) {
        const word = Math.floor((shown + at / 2 - begin) / WORD_BYTES);
        if (word >= 0 && word < PAGE_WORDS && before.slice(at, at + 2 * WORD_BYTES) !== after.slice(at, at + 2 * WORD_BYTES)) made.differs[word] = true;
      }
    }
  }
  return [...pages.values()].sort((a, b) => a.offset - b.offset).slice(0, most);
}

/** How many pages pieces lie in. */
export function countPages(pieces: readonly MinimalPiece[]): number {
  let [sum, end] = [0, -1];
  for (const { offset, length } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    const [first, last] = [Math.max(end + 1, Math.floor(offset / PAGE_BYTES)), Math.ceil((offset + length) / PAGE_BYTES) - 1];
    if (last < first) continue;
    sum += last - first + 1;
    end = last;
  }
  return sum;
}

/** In words, which sectors and lines of a page the set has: `sector 4 of 8`, `lines 3-4 and 9 of 64`. */
export function pageWords({ inSet }: PiecePage): string {
  const lines = Array.from({ length: PAGE_WORDS / LINE_WORDS }, (_, line) => inSet.slice(line * LINE_WORDS, (line + 1) * LINE_WORDS).filter(Boolean).length);
  const whole = lines.every((words) => words === 0 || words === LINE_WORDS);
  const sectors = Array.from({ length: 8 }, (_, sector) => lines.slice(sector * 8, sector * 8 + 8).filter((words) => words > 0).length);
  if (whole && sectors.every((touched) => touched === 8)) return 'the whole page';
  if (whole && sectors.every((touched) => touched === 0 || touched === 8)) return `${spans('sector', sectors)} of 8`;
  return `${spans('line', lines)} of 64${whole ? '' : ', in part'}`;
}

function spans(noun: string, touched: readonly number[]): string {
  const found: [from: number, to: number][] = [];
  for (const [i, words] of touched.entries()) {
    const last = found.at(-1);
    if (words === 0) continue;
    if (last?.[1] === i) last[1] = i + 1;
    else found.push([i + 1, i + 1]);
  }
  const texts = found.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
  const one = found.length === 1 && found[0]?.[0] === found[0]?.[1];
  return `${noun}${one ? '' : 's'} ${texts.length > 1 ? `${texts.slice(0, -1).join(', ')} and ${texts.at(-1) ?? ''}` : (texts[0] ?? 'none')}`;
}
