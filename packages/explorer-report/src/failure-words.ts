import type { FailureGroup, MinimalPiece, MinimalSet } from '@vpmem/explorer';
import { hexOffset } from './shown-words.ts';
import { readable } from '@vpmem/page-kit/readable-text';
import { count, number, windowWords } from './wording.ts';

/** Of the names of a piece, and of a failure's windows, this many are told. */
const NAMES = 4;
const WINDOWS = 4;

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
