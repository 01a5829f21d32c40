import { JsonBuilder, SyntaxProblem } from './json-builder.ts';
import { JsonLexer, type Position } from './json-lexer.ts';
import { ScalarError } from './json-scalar.ts';
import type { JsonValue } from './json-value.ts';
import { Token, type TokenKind } from './lexer-table.ts';
import { decodeUtf8 } from './utf8.ts';

/** How large a message may be; beyond that it is an error. */
export interface JsonLimits {
  /** All its tokens together have fewer bytes than this; blanks do not count. */
  readonly bytes: number;
  /** It has at most so many tokens, */
  readonly tokens: number;
  /** and levels of arrays and objects. */
  readonly depth: number;
}

/** QEMU's limits. */
export const QEMU_LIMITS: JsonLimits = { bytes: 64 * 2 ** 20, tokens: 2 * 2 ** 20, depth: 1024 };

/** A value that came, or what was wrong with what came instead, in QEMU's words. */
export type JsonMessage = { readonly value: JsonValue; readonly error?: never } | { readonly error: string; readonly value?: never };

/**
 * Finds JSON values in a stream of bytes as QEMU 11.1 does: they need nothing between them, and after garbage it goes on with
 * what can begin a value again. Takes linear time however the bytes are portioned, and memory for one message.
 *
 * ```ts
 * stream.push(bytes);
 * for (let message = stream.next(); message !== undefined; message = stream.next()) …
 * ```
 */
export class JsonStream {
  readonly #limits: JsonLimits;
  readonly #lexer: JsonLexer;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Bytes that came before the first of `#bytes`. */
  #before = 0;
  readonly #ready: JsonMessage[] = [];
  /** A message has ended, right or wrong, and what comes belongs to the next. */
  #over = true;
  #began = 0;
  #builder: JsonBuilder | undefined = new JsonBuilder();
  #braces = 0;
  #brackets = 0;
  #tokens = 0;
  #size = 0;

  constructor(limits: Partial<JsonLimits> = {}) {
    this.#limits = { ...QEMU_LIMITS, ...limits };
    this.#lexer = new JsonLexer({ token: (...args) => this.#token(...args), stray: (...args) => this.#stray(...args), tooLong: () => this.#tooLong() }, this.#limits.bytes);
  }

  /** Adds bytes; they must not change until `next` has returned undefined. */
  push(bytes: Uint8Array): void {
    this.#before += this.#at;
    this.#bytes = this.#at === this.#bytes.length ? bytes : Buffer.concat([this.#bytes.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  /** How many bytes have been looked at, all in all: after `next` has given a message, the last of them is that message's. */
  get position(): number {
    return this.#before + this.#at;
  }

  /** How many of them came before the message that `next` has given last: what lies between belongs to it, blanks before it included. */
  get began(): number {
    return this.#began;
  }

  /** The next message; undefined if more bytes are needed for one. Nothing behind it has been looked at. */
  next(): JsonMessage | undefined {
    while (this.#ready.length === 0 && this.#at < this.#bytes.length) {
      if (this.#over) this.#began = this.position;
      this.#over = false;
      this.#at = this.#lexer.feed(this.#bytes, this.#at, () => this.#over || this.#ready.length > 0);
    }
    return this.#ready.shift();
  }

  /** Takes a token into account, as long as the message has no error. */
  #token(kind: TokenKind, bytes: Uint8Array, at: Position): void {
    if (kind === Token.ObjectStart) this.#braces++;
    if (kind === Token.ObjectEnd) this.#braces--;
    if (kind === Token.ArrayStart) this.#brackets++;
    if (kind === Token.ArrayEnd) this.#brackets--;
    const exceeded = this.#exceeded(bytes.length);
    if (exceeded !== undefined) this.#fail(exceeded);
    else this.#build(kind, bytes, at);
    const inside = this.#braces > 0 || this.#brackets > 0;
    if (!inside || this.#braces < 0 || this.#brackets < 0) this.#reset();
  }

  #exceeded(length: number): string | undefined {
    this.#size += length;
    this.#tokens++;
    if (this.#size >= this.#limits.bytes) return 'JSON token size limit exceeded';
    if (this.#tokens > this.#limits.tokens) return 'JSON token count limit exceeded';
    return this.#braces + this.#brackets > this.#limits.depth ? 'JSON nesting depth limit exceeded' : undefined;
  }

  #build(kind: TokenKind, bytes: Uint8Array, at: Position): void {
    try {
      const done = this.#builder?.token(kind, bytes);
      if (done !== undefined) this.#ready.push(done);
    } catch (error) {
      if (!(error instanceof SyntaxProblem || error instanceof ScalarError)) throw error;
      this.#fail(parseError(error.message, at));
    }
  }

  #stray(bytes: Uint8Array, at: Position): void {
    const end = bytes.indexOf(0);
    const text = decodeUtf8(end === -1 ? bytes : bytes.subarray(0, end)).text;
    this.#fail(parseError(`stray '${text}'`, at));
    this.#reset();
  }

  #tooLong(): void {
    this.#fail('JSON token size limit exceeded');
    this.#reset();
  }

  /** The first error of a message is told; the rest of the message is passed over. */
  #fail(error: string): void {
    if (this.#builder !== undefined) this.#ready.push({ error });
    this.#builder = undefined;
  }

  #reset(): void {
    this.#over = true;
    this.#builder = new JsonBuilder();
    this.#braces = 0;
    this.#brackets = 0;
    this.#tokens = 0;
    this.#size = 0;
  }
}

function parseError(what: string, { line, column }: Position): string {
  return `${line}:${column}: JSON parse error, ${what}`;
}
