import type { HmpContext } from './hmp-context.ts';
import { HmpSyntaxError, type LineReader } from './line-reader.ts';

/** Completions of `text`, the word under the cursor, and the end of it that they replace. */
export type Completer = (context: HmpContext, text: string) => Promise<CompletedWord> | CompletedWord;

export interface CompletedWord {
  readonly candidates: readonly string[];
  /** The end of the word that a candidate replaces. */
  readonly replaced: string;
}

/** An argument of a command. */
export interface Argument<T> {
  readonly kind: 'word' | 'rest' | 'flag';
  /** The letter of a flag. */
  readonly letter?: string;
  readonly complete?: Completer | undefined;
  /** @throws HmpSyntaxError */
  read(reader: LineReader, flags: ReadonlySet<string>): T;
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>;
export type ValuesOf<A extends Arguments> = { readonly [K in keyof A]: A[K] extends Argument<infer T> ? T : never };

/** A word that has to be there. */
export function word(complete?: Completer): Argument<string> {
  return { kind: 'word', complete, read: (reader) => required(reader.word()) };
}

/** A word that may be left out. */
export function optionalWord(complete?: Completer): Argument<string | undefined> {
  return { kind: 'word', complete, read: (reader) => reader.word() };
}

/** All that follows, blanks included. */
export function rest(complete?: Completer): Argument<string> {
  return { kind: 'rest', complete, read: (reader) => required(reader.rest()) };
}

/** A text: all that follows, blanks included, or what stands in double quotes, with their escapes. */
export function text(): Argument<string> {
  return { kind: 'rest', read: (reader) => required(reader.text()) };
}

/** A switch such as `-b`; switches come first. */
export function flag(letter: string): Argument<boolean> {
  return { kind: 'flag', letter, read: (_reader, flags) => flags.has(letter) };
}

/** Reads all arguments of a command. @throws HmpSyntaxError */
export function readArguments<A extends Arguments>(declared: A, reader: LineReader): ValuesOf<A> {
  const letters = Object.values(declared).flatMap(({ letter }) => letter ?? []);
  const flags = new Set<string>();
  for (let letter = letters.length > 0 ? reader.flag() : undefined; letter !== undefined; letter = reader.flag()) {
    if (!letters.includes(letter)) throw new HmpSyntaxError(`unsupported option -${letter}`);
    flags.add(letter);
  }
  const values = Object.entries(declared).map(([name, argument]) => [name, argument.read(reader, flags)]);
  if (!reader.atEnd) throw new HmpSyntaxError('extraneous characters at the end of line');
  return Object.fromEntries(values) as ValuesOf<A>;
}

function required(value: string | undefined): string {
  if (value === undefined) throw new HmpSyntaxError('string expected');
  return value;
}
