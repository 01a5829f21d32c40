import type { MinimalPiece } from '@vpmem/explorer';
import { hexOffset, shownWords, type ShownWord } from '../shown-words.ts';
import { element, type Child } from '@vpmem/page-kit/element';

/** The first bytes of a piece that differ, before the window and as its flush carries them. */
export function hexTable(piece: MinimalPiece): HTMLElement {
  const words = shownWords(piece);
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Bytes before and after' },
    element('table', { class: 'hex' },
      element('thead', {}, element('tr', {}, ...['offset', 'before', '', 'after', ''].map((head) => (head === '' ? element('td') : element('th', { scope: 'col' }, head))))),
      element('tbody', {}, ...words.map(row)),
    ),
  );
}

function row(word: ShownWord): HTMLElement {
  const differs = word.differs.includes(true);
  return element('tr', differs ? {} : { class: 'same' },
    element('th', { scope: 'row' }, hexOffset(word.offset)),
    element('td', { class: 'before' }, ...bytes(word.before, word.differs, 'del')),
    element('td', { class: 'text', 'aria-hidden': 'true' }, characters(word.before)),
    element('td', { class: 'after' }, ...bytes(word.after, word.differs, 'ins')),
    element('td', { class: 'text', 'aria-hidden': 'true' }, characters(word.after)),
  );
}

/** Bytes that differ stand in an element of their own, several of them in one. */
function bytes(all: readonly string[], differs: readonly boolean[], tag: 'del' | 'ins'): Child[] {
  const parts: { text: string; differs: boolean }[] = [];
  for (const [i, byte] of all.entries()) {
    const last = parts.at(-1);
    if (last?.differs === (differs[i] === true)) last.text += ` ${byte}`;
    else parts.push({ text: byte, differs: differs[i] === true });
  }
  return parts.flatMap((part, i) => [i > 0 ? ' ' : undefined, part.differs ? element(tag, {}, part.text) : part.text]);
}

function characters(all: readonly string[]): string {
  return all.map((byte) => Number.parseInt(byte, 16)).map((code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '·')).join('');
}
