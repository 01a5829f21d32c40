import type { MinimalSet } from '@vpmem/explorer';
import { hexOffset } from '../shown-words.ts';
import { count } from '../wording.ts';
import { element, vector } from '@vpmem/page-kit/element';
import { countPages, pageWords, piecePages, type PiecePage } from './piece-pages.ts';

/** Pages that are drawn. */
const PAGES = 8;
/** Units of the drawing: a line is a cell, with its eight words side by side in it; a row of eight lines is a sector. */
const WORD = 2;
const CELL = { width: 8 * WORD, height: 11, gap: 2 };

/** Where a minimal set lies: each page as its 8 sectors of 8 lines of 8 words. */
export function minimalMap({ pieces, kind }: MinimalSet): HTMLElement {
  const pages = piecePages(pieces, PAGES);
  const left = countPages(pieces) - pages.length;
  return element('div', { class: 'map' },
    ...pages.map((page) => element('figure', {}, grid(page, kind), element('figcaption', {}, element('code', {}, hexOffset(page.offset)), element('span', {}, pageWords(page))))),
    ...(left > 0 ? [element('p', { class: 'hint' }, `and ${count(left, 'page')} more`)] : []),
    element('ul', { class: 'key' },
      element('li', {}, element('span', { class: 'swatch set', 'aria-hidden': 'true' }), kind === 'lost' ? 'lost' : 'alone there'),
      element('li', {}, element('span', { class: 'swatch differs', 'aria-hidden': 'true' }), 'bytes shown that differ'),
    ),
    element('p', { class: 'hint' }, 'A page: 8 sectors, each a row of 8 lines of 64 bytes.'),
  );
}

function grid(page: PiecePage, kind: MinimalSet['kind']): SVGElement {
  const [wide, high] = [8 * (CELL.width + CELL.gap) - CELL.gap, 8 * (CELL.height + CELL.gap) - CELL.gap];
  const told = `Page at ${hexOffset(page.offset)}: ${kind === 'lost' ? 'lost' : 'alone there'} ${pageWords(page)}`;
  return vector('svg', { viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, role: 'img', 'aria-label': told },
    ...Array.from({ length: 64 }, (_, line) => cell(page, line)).flat(),
  );
}

function cell({ inSet, differs }: PiecePage, line: number): SVGElement[] {
  const [x, y] = [(line % 8) * (CELL.width + CELL.gap), Math.floor(line / 8) * (CELL.height + CELL.gap)];
  const words = Array.from({ length: 8 }, (_, i) => i);
  const rects = (of: readonly boolean[], name: string): SVGElement[] => words.filter((i) => of[line * 8 + i] === true).map((i) => vector('rect', { x: x + i * WORD, y, width: WORD, height: CELL.height, class: name }));
  const whole = words.every((i) => inSet[line * 8 + i] === true);
  return [
    vector('rect', { x, y, width: CELL.width, height: CELL.height, class: whole ? 'set' : 'free' }, vector('title', {}, `sector ${Math.floor(line / 8) + 1}, line ${(line % 8) + 1}`)),
    ...(whole ? [] : rects(inSet, 'set')),
    ...rects(differs, 'differs'),
  ];
}
