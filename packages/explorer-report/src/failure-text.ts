import type { FailureGroup, MinimalSet } from '@vpmem/explorer';
import { differingWords, hexOffset, type ShownWord } from './shown-words.ts';
import { howOften, minimalWords, pieceWords, signatureOf } from './failure-words.ts';
import type { Paint } from './paint.ts';
import { readable } from '@vpmem/page-kit/readable-text';
import { wrap } from './text-layout.ts';
import { count } from './wording.ts';

/** Of a failure's pieces and marks this many are told. */
const PIECES = 8;
const MARKS = 3;
/** Characters of a command line at most: one that is longer is none of ours. */
const COMMAND = 1000;
const INDENT = '   ';
/** Columns that a word needs before and after, side by side. */
const SIDE_BY_SIDE = 70;

/** One failure for people, with a sentence about it if there is one; no line is wider than `width` columns but the last, which is there to be copied. */
export function failureLines(failure: FailureGroup, place: number, width: number, paint: Paint, about?: string): string[] {
  const head = `${place}. `;
  const more = (text: string): string[] => wrap(text, width, INDENT);
  return [
    ...wrap(signatureOf(failure), width, head).map(paint.strong),
    ...(about === undefined ? [] : more(about)),
    ...more(howOften(failure)),
    ...(failure.minimal === undefined ? more(`State: ${readable(failure.state)}`) : minimalLines(failure.minimal, width, paint)),
    ...promise(failure.marks).flatMap(more),
    // Not wrapped, so that it can be copied: the terminal does that.
    `${INDENT}${paint.dim(readable(failure.reproduce, COMMAND))}`,
  ];
}

function minimalLines(minimal: MinimalSet, width: number, paint: Paint): string[] {
  const { pieces } = minimal;
  const left = pieces.length - PIECES;
  return [
    ...wrap(minimalWords(minimal), width, INDENT),
    ...pieces.slice(0, PIECES).flatMap((piece) => [
      ...wrap(pieceWords(piece), width, `${INDENT}- `, `${INDENT}  `),
      ...differingWords(piece).flatMap((word) => wordLines(word, width, paint)),
    ]),
    ...(left > 0 ? wrap(`and ${count(left, 'place')} more`, width, `${INDENT}- `) : []),
  ];
}

function wordLines({ offset, before, after, differs }: ShownWord, width: number, paint: Paint): string[] {
  const bytes = (all: readonly string[], as: (text: string) => string): string => all.map((byte, i) => (differs[i] === true ? as(byte) : byte)).join(' ');
  const [old, now, at] = [bytes(before, paint.bad), bytes(after, paint.good), paint.dim(hexOffset(offset))];
  if (width >= SIDE_BY_SIDE) return [`${INDENT}  ${at}  ${old} -> ${now}`];
  return [`${INDENT}  ${at}`, `${INDENT}  - ${old}`, `${INDENT}  + ${now}`];
}

function promise(marks: readonly string[]): string[] {
  if (marks.length === 0) return [];
  const last = marks.slice(-MARKS).map((mark) => readable(mark, 100)).join(' | ');
  return [`Promised${marks.length > MARKS ? `, the last ${MARKS}` : ''}: ${last}`];
}
