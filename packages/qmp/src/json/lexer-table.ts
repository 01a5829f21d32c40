/** Where the lexer is. Beyond `Keyword` it is nowhere: a token has ended, or an error was found. */
export const State = {
  /** A lexical error; zero, so it is what every byte means that no row mentions. */
  Error: 0,
  Start: 1,
  Recovery: 2,
  DoubleQuoted: 3,
  DoubleQuotedEscape: 4,
  SingleQuoted: 5,
  SingleQuotedEscape: 6,
  Minus: 7,
  Zero: 8,
  Digits: 9,
  Point: 10,
  Fraction: 11,
  Exponent: 12,
  ExponentSign: 13,
  ExponentDigits: 14,
  Keyword: 15,
} as const;

/** Kinds of tokens; as numbers they follow the states. */
export const Token = {
  ObjectStart: 16,
  ObjectEnd: 17,
  ArrayStart: 18,
  ArrayEnd: 19,
  Colon: 20,
  Comma: 21,
  String: 22,
  Integer: 23,
  Float: 24,
  Keyword: 25,
} as const;

export type TokenKind = (typeof Token)[keyof typeof Token];

/** Added to an entry: the byte is not part of what ends here and has to be looked at once more. */
export const AGAIN = 0x80;

const STRUCTURE: Readonly<Record<string, TokenKind>> = {
  '{': Token.ObjectStart, '}': Token.ObjectEnd, '[': Token.ArrayStart, ']': Token.ArrayEnd, ':': Token.Colon, ',': Token.Comma,
};

/** For a state (row of 256) and a byte: the next state, or the token that ends. */
export const TRANSITIONS = makeTable();

function makeTable(): Uint8Array {
  const table = new Uint8Array(16 * 256);
  const row = (state: number, entries: readonly (readonly [bytes: string | readonly [first: number, last: number], next: number])[]): void => {
    for (const [bytes, next] of entries) {
      if (typeof bytes === 'string') for (const byte of Buffer.from(bytes)) table[state * 256 + byte] = next;
      else table.fill(next, state * 256 + bytes[0], state * 256 + bytes[1] + 1);
    }
  };
  const digits = '0123456789';
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const all = [0, 0xff] as const;
  // What is no control character, and may begin a UTF-8 sequence or go on with one.
  const text = [0x20, 0xfd] as const;

  row(State.Start, [
    [' \t\r\n', State.Start], ['"', State.DoubleQuoted], ["'", State.SingleQuoted], ['-', State.Minus], ['0', State.Zero],
    [digits.slice(1), State.Digits], [letters, State.Keyword], ...Object.entries(STRUCTURE),
  ]);
  // After garbage: whatever cannot be in a value, a line's end, and structure begin anew.
  row(State.Recovery, [[all, State.Start | AGAIN], [text, State.Recovery], ['\t', State.Recovery], [Object.keys(STRUCTURE).join(''), State.Start | AGAIN]]);
  row(State.DoubleQuoted, [[text, State.DoubleQuoted], ['\\', State.DoubleQuotedEscape], ['"', Token.String]]);
  row(State.DoubleQuotedEscape, [[text, State.DoubleQuoted]]);
  row(State.SingleQuoted, [[text, State.SingleQuoted], ['\\', State.SingleQuotedEscape], ["'", Token.String]]);
  row(State.SingleQuotedEscape, [[text, State.SingleQuoted]]);
  row(State.Minus, [['0', State.Zero], [digits.slice(1), State.Digits]]);
  row(State.Zero, [[all, Token.Integer | AGAIN], [digits, State.Error], ['.', State.Point]]);
  row(State.Digits, [[all, Token.Integer | AGAIN], [digits, State.Digits], ['.', State.Point], ['eE', State.Exponent]]);
  row(State.Point, [[digits, State.Fraction]]);
  row(State.Fraction, [[all, Token.Float | AGAIN], [digits, State.Fraction], ['eE', State.Exponent]]);
  row(State.Exponent, [[digits, State.ExponentDigits], ['+-', State.ExponentSign]]);
  row(State.ExponentSign, [[digits, State.ExponentDigits]]);
  row(State.ExponentDigits, [[all, Token.Float | AGAIN], [digits, State.ExponentDigits]]);
  row(State.Keyword, [[all, Token.Keyword | AGAIN], [letters, State.Keyword]]);
  return table;
}
