/** What a line of HMP got wrong, in QEMU's words where it has them. */
export class HmpSyntaxError extends Error {
  override readonly name = 'HmpSyntaxError';
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** Reads a line of HMP from left to right. */
export class LineReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next word, or undefined at the end. In double quotes it may have blanks, and the escapes `\n \r \\ \' \"`. */
  word(): string | undefined {
    this.skipBlanks();
    return this.#text[this.#at] === '"' ? this.#quoted() : this.plainWord();
  }

  /** The next word, quotes being characters like any other, or undefined at the end. */
  plainWord(): string | undefined {
    this.skipBlanks();
    const start = this.#at;
    while (this.#at < this.#text.length && !/\s/.test(this.#text.charAt(this.#at))) this.#at++;
    return start === this.#at ? undefined : this.#text.slice(start, this.#at);
  }

  /** All that is left, or undefined if nothing is. */
  rest(): string | undefined {
    this.skipBlanks();
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest === '' ? undefined : rest;
  }

  /** All that is left, or undefined if nothing is. What begins with a double quote ends with the next; quotes elsewhere are characters like any other. */
  text(): string | undefined {
    this.skipBlanks();
    return this.#text[this.#at] === '"' ? this.#quoted() : this.rest();
  }

  /** The letter of an option such as `-b`, or undefined if none comes next. */
  flag(): string | undefined {
    this.skipBlanks();
    const [, letter] = /^-(\S)/.exec(this.#text.slice(this.#at, this.#at + 2)) ?? [];
    if (letter !== undefined) this.#at += 2;
    return letter;
  }

  skipBlanks(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  get atEnd(): boolean {
    this.skipBlanks();
    return this.#at === this.#text.length;
  }

  #quoted(): string {
    let value = '';
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const char = this.#text.charAt(at);
      if (char === '"') {
        this.#at = at + 1;
        return value;
      }
      if (char !== '\\') {
        value += char;
        continue;
      }
      at++;
      const escaped = ESCAPES[this.#text.charAt(at)];
      if (escaped === undefined) throw new HmpSyntaxError(`unsupported escape code: '\\${this.#text.charAt(at)}'`);
      value += escaped;
    }
    throw new HmpSyntaxError('unterminated string');
  }
}
