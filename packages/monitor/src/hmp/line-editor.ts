import { createInterface, type Interface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate } from 'node:timers/promises';
import type { Connection } from '@vpmem/chardev';

/** Characters that a line can have, as in QEMU; more are not taken. */
export const MAX_LINE = 4095;
/** Lines that are remembered, as in QEMU. */
export const MAX_HISTORY = 64;
/** Bytes of echo that may wait for a client to read them before no more of its keys are looked at. */
const MAX_UNREAD_ECHO = 16 * 1024;
/** Keys that are handled before others get their turn. */
const KEYS_AT_ONCE = 32;

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_Z = '\x1a';
/** Undo. */
const CTRL_UNDERSCORE = '\x1f';
/** Escape sequences, control characters, and whatever stands between them. */
const KEYS = /\x1b\[[0-9;]{0,16}[^0-9;]|\x1bO[^]|\x1b[^[O]|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+/g;
/** Keys that readline knows; of others it would take parts for text. */
const KNOWN_KEY = /^(?:[\x00-\x1a\x1e\x1f\x7f]|\x1b(?:\[(?:\d{1,2}(?:;\d)?)?[A-Za-z~^$]|O[A-Za-z]|[a-z\x7f\b]))$/;
const UNFINISHED_KEY = /\x1b(?:\[[0-9;]{0,16}|O)?$/;

/** Completions of the end of a line, and the part of it that they replace. */
export type Completions = [candidates: string[], replaced: string];

export interface LineEditorOptions {
  readonly prompt: string;
  /** Lines entered before, the newest first; those that come are put into it. */
  readonly history: string[];
  complete(line: string): Promise<Completions>;
  /** Ctrl-C at this program's own terminal. */
  interrupt(): void;
}

/**
 * A client's line: editing, history and completion, by node's readline, for anything that sends keys. A client that is
 * silent or does not read costs nothing; of one that sends without end, one chunk is held.
 */
export class LineEditor {
  readonly #connection: Connection;
  readonly #options: LineEditorOptions;
  readonly #keys = new Readable({ read: () => undefined });
  readonly #screen: Screen;
  readonly #readline: Interface;
  #entered: string | undefined;
  /** Whether a prompt stands there, and whatever was typed after it. */
  #asking = false;
  #completing: Promise<void> | undefined;

  constructor(connection: Connection, options: LineEditorOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#screen = new Screen(connection);
    this.#readline = createInterface({
      input: this.#keys,
      output: this.#screen,
      terminal: true,
      prompt: options.prompt,
      history: [...options.history],
      historySize: MAX_HISTORY,
      removeHistoryDuplicates: true,
      // CR LF is one key, however late the LF comes.
      crlfDelay: Infinity,
      completer: (line: string, done: (error: null, found: Completions) => void) => {
        this.#completing = options.complete(line).then((found) => done(null, found));
      },
    });
    this.#readline.on('line', (line) => {
      this.#entered = line.slice(0, MAX_LINE);
      this.#asking = false;
    });
    this.#readline.on('history', (lines) => options.history.splice(0, Infinity, ...lines));
  }

  /** Each line that is entered. While the caller is busy with one, nothing more is read or echoed. Ends when the client does. */
  async *lines(): AsyncGenerator<string, void, undefined> {
    const decoder = new StringDecoder('utf8');
    let unfinished = '';
    let handled = 0;
    for await (const chunk of this.#connection.chunks()) {
      const text = unfinished + decoder.write(chunk);
      unfinished = UNFINISHED_KEY.exec(text)?.[0] ?? '';
      for (const [key] of text.slice(0, text.length - unfinished.length).matchAll(KEYS)) {
        if (key === CTRL_D && this.#readline.line === '' && this.#connection.terminal === undefined) return;
        this.#press(key);
        await this.#completing;
        if (this.#screen.writableLength > MAX_UNREAD_ECHO) await this.write('');
        if (++handled % KEYS_AT_ONCE === 0) await setImmediate();
        const line = this.#entered;
        this.#entered = undefined;
        if (line !== undefined) yield line;
      }
    }
  }

  /** Asks for the next line. Unlike readline's own prompt it comes without escape sequences, so that scripts can wait for it. */
  prompt(): void {
    this.#asking = true;
    this.#screen.write(this.#options.prompt);
  }

  /** Lets `write` put lines of somebody else's on the same terminal: above the line that is being typed, if one is. */
  above(write: () => void): void {
    if (!this.#asking) {
      write();
      return;
    }
    const { rows } = this.#readline.getCursorPos();
    // In one piece: a second one would wait for the first to be written, and so come after the others' lines.
    this.#screen.write(`${rows > 0 ? `\x1b[${rows}A` : ''}\r\x1b[J`);
    write();
    // From here readline goes up by as many rows as the cursor was below the prompt.
    if (rows > 0) this.#screen.write('\r\n'.repeat(rows));
    this.#readline.prompt(true);
  }

  /** Shows text with its line ends made CR LF; resolves when the client has taken it, or is gone. */
  async write(text: string): Promise<void> {
    await new Promise<void>((resolve) => this.#screen.write(text.replaceAll('\n', '\r\n'), () => resolve()));
  }

  close(): void {
    this.#readline.close();
    this.#keys.destroy();
  }

  #press(key: string): void {
    // Left to readline, these would suspend this program or end the monitor.
    if (key === CTRL_Z || (key === CTRL_D && this.#readline.line === '')) return;
    if (key === CTRL_C) {
      if (this.#connection.terminal !== undefined) this.#options.interrupt();
      return;
    }
    if (key < ' ' || key === '\x7f') {
      if (KNOWN_KEY.test(key)) this.#keys.emit('data', key);
      // Only a yank can do that.
      if (this.#readline.line.length > MAX_LINE) this.#keys.emit('data', CTRL_UNDERSCORE);
      return;
    }
    // In one piece: readline measures the line again for each key.
    const taken = key.slice(0, MAX_LINE - this.#readline.line.length);
    if (taken !== '') this.#readline.write(taken);
  }
}

/** What readline writes on; the client's width is only known if it is this program's own terminal. */
class Screen extends Writable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super({ decodeStrings: false });
    this.#connection = connection;
  }

  get columns(): number | undefined {
    return this.#connection.terminal?.columns;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    void this.#connection.write(chunk).then(done);
  }
}
