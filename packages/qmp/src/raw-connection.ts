import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';

/** A message of the server, read by nothing but `JSON.parse`. */
export type RawMessage = Readonly<Record<string, unknown>>;

const SYNC_ID = 'end of exchange';

/** A QMP connection seen as bytes and lines. */
export class RawConnection {
  readonly #stream: Duplex;
  #bytes = '';
  #ended = false;
  #arrived: () => void = () => undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.setEncoding('latin1');
    stream.on('data', (text: string) => {
      this.#bytes += text;
      this.#arrived();
    });
    for (const end of ['end', 'close', 'error']) {
      stream.on(end, () => {
        this.#ended = true;
        this.#arrived();
      });
    }
  }

  send(bytes: string | Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Says that nothing more will be sent. */
  finish(): void {
    this.#stream.end();
  }

  close(): void {
    this.#stream.destroy();
  }

  /** The next line without its end; undefined if the server has closed the connection. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#bytes.indexOf('\n');
      if (end !== -1) {
        const line = this.#bytes.slice(0, end);
        this.#bytes = this.#bytes.slice(end + 1);
        assert.ok(line.endsWith('\r'), `a line ends in CR LF: ${JSON.stringify(line)}`);
         
        assert.match(line, /^[\x20-\x7e]*\r$/, 'a line is printable ASCII');
        return line.slice(0, -1);
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  async message(): Promise<RawMessage> {
    const line = await this.line();
    assert.notEqual(line, undefined, 'the server has closed the connection');
    return JSON.parse(line ?? '') as RawMessage;
  }

  /** Reads the greeting, and negotiates unless told otherwise. What is sent next is on line 2. */
  async open(enable: readonly string[] = []): Promise<void> {
    await this.message();
    this.send(`${JSON.stringify({ execute: 'qmp_capabilities', arguments: { enable } })}\n`);
    assert.deepEqual(await this.message(), { return: {} });
  }

  /** Sends bytes that leave nothing half said, and returns every line that the server says to them. */
  async exchange(bytes: string | Uint8Array): Promise<string[]> {
    this.send(bytes);
    this.send(`\n${JSON.stringify({ execute: 'query-name', id: SYNC_ID })}\n`);
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      assert.notEqual(line, undefined, `the server has closed the connection after ${JSON.stringify(lines)}`);
      const message = JSON.parse((line ?? '').replace(/: -?inf\b/g, ': null')) as RawMessage;
      if (message.id === SYNC_ID) return lines;
      lines.push(line ?? '');
    }
  }
}
