import { AGAIN, State, TRANSITIONS, type TokenKind } from './lexer-table.ts';

const NEWLINE = 0x0a;

/** Where a token begins: line from 1, column in bytes from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Hears of the tokens in a stream of bytes. Bytes are only good during the call. */
export interface TokenSink {
  token(kind: TokenKind, bytes: Uint8Array, at: Position): void;
  /** The bytes, up to the one that does not fit, are no token. */
  stray(bytes: Uint8Array, at: Position): void;
  /** A token that has not ended is already longer than the limit; it is dropped. */
  tooLong(): void;
}

/**
 * Finds the tokens in bytes that come in any portions, as QEMU 11.1 does: it goes on after whatever garbage. Work is
 * linear in the bytes; memory is that of one token, at most `limit`.
 */
export class JsonLexer {
  readonly #sink: TokenSink;
  readonly #limit: number;
  #state: number = State.Start;
  /** The bytes of a token that began in an earlier portion. */
  #kept = new Uint8Array(0);
  #keptLength = 0;
  #line = 1;
  #column = 0;
  #tokenLine = 1;
  #tokenColumn = 1;

  constructor(sink: TokenSink, limit: number) {
    this.#sink = sink;
    this.#limit = limit;
  }

  /** Takes bytes from `start` on, until `stop()` after a token. Returns how many of `bytes` are done. */
  feed(bytes: Uint8Array, start: number, stop: () => boolean): number {
    let from = start;
    let at = start;
    let stopped = false;
    while (at < bytes.length && !stopped) {
      at += this.#run(bytes, at, this.#limit - (at - from) - this.#keptLength);
      if (at === bytes.length) break;
      const byte = bytes[at++] ?? 0;
      this.#column++;
      if (byte === NEWLINE) {
        this.#line++;
        this.#column = 0;
      }
      for (let again = true; again;) {
        const entry = TRANSITIONS[this.#state * 256 + byte] ?? State.Error;
        again = entry >= AGAIN;
        const next = entry % AGAIN;
        const end = again ? at - 1 : at;
        if (next > State.Recovery && next <= State.Keyword) {
          this.#state = next;
          break;
        }
        if (next > State.Keyword) this.#sink.token(next as TokenKind, this.#take(bytes.subarray(from, end)), this.#position());
        if (next === State.Error) this.#sink.stray(this.#take(bytes.subarray(from, end)), this.#position());
        stopped = stop();
        this.#state = next === State.Error || next === State.Recovery ? State.Recovery : State.Start;
        this.#begin();
        from = end;
      }
      if (at - from + this.#keptLength > this.#limit) {
        this.#sink.tooLong();
        stopped = stop();
        this.#state = State.Start;
        this.#begin();
        from = at;
      }
    }
    this.#keep(bytes.subarray(from, at));
    return at;
  }

  /** How many bytes, `most` at the most, leave a token in the state in which it is: nearly all of a long one. */
  #run(bytes: Uint8Array, start: number, most: number): number {
    const row = this.#state * 256;
    // In other states a line may end.
    if (this.#state <= State.Recovery) return 0;
    const end = Math.min(bytes.length, start + most);
    let at = start;
    while (at < end && TRANSITIONS[row + (bytes[at] ?? 0)] === this.#state) at++;
    this.#column += at - start;
    return at - start;
  }

  #position(): Position {
    return { line: this.#tokenLine, column: this.#tokenColumn };
  }

  #begin(): void {
    this.#keptLength = 0;
    this.#tokenLine = this.#line;
    // One too far where a token ended only by what followed it: QEMU's count, and who compares wants the same.
    this.#tokenColumn = this.#column + 1;
  }

  /** The whole token: what was kept of it, and its end. */
  #take(last: Uint8Array): Uint8Array {
    if (this.#keptLength === 0) return last;
    this.#keep(last);
    const whole = this.#kept.subarray(0, this.#keptLength);
    // A big buffer is not held on to for the small tokens that usually come.
    this.#kept = new Uint8Array(0);
    this.#keptLength = 0;
    return whole;
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#keptLength + bytes.length;
    if (length > this.#kept.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#kept.length, 64));
      larger.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = larger;
    }
    this.#kept.set(bytes, this.#keptLength);
    this.#keptLength = length;
  }
}
