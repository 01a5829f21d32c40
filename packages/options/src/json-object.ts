import { OptionError } from './option-error.ts';
import { MAX_DEPTH, type OptionValue, type Properties } from './option-value.ts';

const BLANKS = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?<float>(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const WORD = /[A-Za-z0-9_]+/y;
const UNICODE = /u[0-9a-fA-F]{4}/y;
const KEYWORDS = new Map<string, boolean | null>([['true', true], ['false', false], ['null', null]]);
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\', '/': '/',
};

/**
 * Reads the JSON form of an option, which has to be one object. Beyond RFC 8259 strings may stand in single quotes, as QEMU
 * allows. Unlike `JSON.parse` it keeps integers beyond 2^53 exact, as bigint, and says where the mistake is.
 *
 * Throws `OptionError`: `json-syntax`, `duplicate-key`, `too-deep`.
 */
export function parseJsonObject(text: string): Properties {
  return new JsonReader(text).read();
}

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Properties {
    this.#skipBlanks();
    if (this.#peek() !== '{') throw this.#expected('an object in braces');
    const object = this.#object(1);
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#expected('nothing after the object');
    return object;
  }

  #value(depth: number): OptionValue {
    this.#skipBlanks();
    const char = this.#peek();
    if (depth > MAX_DEPTH && (char === '{' || char === '[')) {
      throw new OptionError('too-deep', `JSON nesting depth limit exceeded: more than ${MAX_DEPTH} levels at character ${this.#at + 1}`);
    }
    if (char === '{') return this.#object(depth);
    if (char === '[') return this.#array(depth);
    if (char === '"' || char === "'") return this.#string(char);
    const start = this.#at;
    const number = this.#match(NUMBER);
    if (number !== undefined) return this.#number(number, start);
    const keyword = KEYWORDS.get(this.#match(WORD)?.[0] ?? '');
    if (keyword !== undefined) return keyword;
    this.#at = start;
    throw this.#expected('a value');
  }

  #object(depth: number): Properties {
    const members = new Map<string, OptionValue>();
    this.#at++;
    this.#skipBlanks();
    if (this.#take('}')) return {};
    do {
      this.#skipBlanks();
      const start = this.#at;
      const quote = this.#peek();
      if (quote !== '"' && quote !== "'") throw this.#expected('a key in quotes');
      const key = this.#string(quote);
      if (members.has(key)) {
        const message = `JSON parse error, duplicate key '${key}' at character ${start + 1}`;
        throw new OptionError('duplicate-key', message, { parameter: key, hint: 'Give each key of an object once.' });
      }
      this.#skipBlanks();
      if (!this.#take(':')) throw this.#expected(`':' after key '${key}'`);
      members.set(key, this.#value(depth + 1));
      this.#skipBlanks();
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#expected("',' or '}'");
    return Object.fromEntries(members);
  }

  #array(depth: number): OptionValue[] {
    const elements: OptionValue[] = [];
    this.#at++;
    this.#skipBlanks();
    if (this.#take(']')) return elements;
    do {
      elements.push(this.#value(depth + 1));
      this.#skipBlanks();
    } while (this.#take(','));
    if (!this.#take(']')) throw this.#expected("',' or ']'");
    return elements;
  }

  #string(quote: string): string {
    let value = '';
    this.#at++;
    while (!this.#take(quote)) {
      const char = this.#peek();
      if (char < ' ') throw this.#expected(`${quote} at the end of the string`);
      this.#at++;
      value += char === '\\' ? this.#escape() : char;
    }
    return value;
  }

  #escape(): string {
    const unicode = this.#match(UNICODE)?.[0];
    if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode.slice(1), 16));
    const escaped = ESCAPES[this.#peek()];
    if (escaped === undefined) throw this.#expected('an escape after \\ (one of b f n r t / \\ " \' or u with four hexadecimal digits)');
    this.#at++;
    return escaped;
  }

  #number(match: RegExpExecArray, start: number): number | bigint {
    const [literal] = match;
    if (match.groups?.float === '') {
      const integer = BigInt(literal);
      return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
    }
    const float = Number(literal);
    if (Number.isFinite(float)) return float;
    this.#at = start;
    throw this.#expected('a number below 1.8e308');
  }

  #skipBlanks(): void {
    this.#match(BLANKS);
  }

  /** The next character, empty at the end of the text. */
  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  #expected(what: string): OptionError {
    const code = this.#text.codePointAt(this.#at);
    const found = code === undefined ? 'the end of the text' : `'${String.fromCodePoint(code)}'`;
    return new OptionError('json-syntax', `JSON parse error at character ${this.#at + 1}: expected ${what}, found ${found}`, {
      hint: 'Write one JSON object, as in {"driver": "virtio-pmem-pci", "memdev": "mem1"}.',
    });
  }
}
