import type { FailureGroup, MinimalPiece, MinimalSet } from '@vpmem/explorer';
import { differingWords, hexOffset, type DifferingWord } from './differing-words.ts';
import type { Paint } from './paint.ts';
import { readable } from './readable-text.ts';
import { cut, wrap } from './text-layout.ts';
import { count, number, windowWords } from './wording.ts';

/** Of a failure's pieces, of the names of one, and of its windows and marks, this many are told. */
const PIECES = 8;
const NAMES = 4;
const WINDOWS = 4;
const MARKS = 3;
/** Characters of a command line at most: one that is longer is none of ours. */
const COMMAND = 1000;
const INDENT = '   ';
/** Columns that a word needs before and after, side by side. */
const SIDE_BY_SIDE = 70;

/** One failure for people; no line is wider than `width` columns but the last, which is there to be copied. */
export function failureLines(failure: FailureGroup, place: number, width: number, paint: Paint): string[] {
  const head = `${place}. `;
  const more = (text: string): string[] => wrap(text, width, INDENT);
  return [
    ...wrap(signatureOf(failure), width, head).map(paint.strong),
    ...more(howOften(failure)),
    ...(failure.minimal === undefined ? more(`State: ${readable(failure.state)}`) : minimalLines(failure.minimal, width, paint)),
    ...promise(failure.marks).flatMap(more),
    // Not wrapped, so that it can be copied: the terminal does that.
    `${INDENT}${paint.dim(readable(failure.reproduce, COMMAND))}`,
  ];
}

/** By what people know a failure. */
export function signatureOf({ signature, verdict }: FailureGroup, most = 300): string {
  const text = readable(signature, most);
  if (text !== '') return text;
  return verdict === 'hang' ? '(nothing was said before the time was over)' : '(nothing was said)';
}

/** At which step, how often, where, and with which unit it begins. */
export function howOften({ step, verdict, count: states, windows, unit }: FailureGroup): string {
  const names = windows.slice(0, WINDOWS).map(windowWords).join(', ');
  const rest = windows.length > WINDOWS ? ` and ${number(windows.length - WINDOWS)} more` : '';
  return `${verdict === 'hang' ? 'Hangs at' : 'At'} ${step}, in ${count(states, 'state')} of ${count(windows.length, 'window')}: ${names}${rest}. It begins with unit ${unit}.`;
}

/** What a minimal set is, without its pieces. */
export function minimalWords({ kind, bytes, unit, pieces, checks, state }: MinimalSet): string {
  const what = `${count(bytes, 'byte')} ${kind === 'lost' ? 'lost' : 'alone there'}, in ${count(pieces.length, 'place')} (unit ${unit}); all else of the window is ${kind === 'lost' ? 'there' : 'lost'}`;
  return `Minimal set: ${what}. State ${readable(state)}, found by ${count(checks, 'check')}.`;
}

/** What a piece is, without its bytes. */
export function pieceWords({ offset, length, names }: MinimalPiece): string {
  const told = names.slice(0, NAMES).map(({ name }) => readable(name, 200)).join('; ');
  const rest = names.length > NAMES ? `; and ${names.length - NAMES} more` : '';
  return `${hexOffset(offset)}, ${count(length, 'byte')}: ${names.length === 0 ? 'no name is known' : told + rest}`;
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

function wordLines({ offset, before, after, differs }: DifferingWord, width: number, paint: Paint): string[] {
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

/** So that a terminal's line holds it. */
export function fitted(text: string, width: number): string {
  const short = cut(text, width);
  return short === text ? text : `${cut(text, width - 1)}…`;
}
