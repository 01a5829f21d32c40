import { Writable, type Readable } from 'node:stream';
import type { Chardev, Serve } from './chardev.ts';
import { Connection, type Terminal } from './connection.ts';

/** What is read from; a terminal can be told to hand over every key. */
export type TerminalInput = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** This program's own terminal or pipes. Its end does not end the program. */
export class StdioChardev implements Chardev {
  readonly filename = 'stdio';
  readonly #input: TerminalInput;
  readonly #connection: Connection;
  #raw = false;

  constructor(input: TerminalInput = process.stdin, output: Writable & Terminal = process.stdout) {
    this.#input = input;
    // A pipe that nobody reads any more ends the monitor, not the program.
    output.on('error', () => undefined);
    // Others write to stdout too, so it is not the monitor's to end.
    const adapt = input.isTTY === true ? withoutReturns : (bytes: Buffer): Buffer => bytes;
    const shared = new Writable({ write: (chunk: Buffer, _encoding, done) => void output.write(adapt(chunk), done) });
    this.#connection = new Connection(input, shared, { terminal: input.isTTY === true ? output : undefined });
  }

  start(serve: Serve): Promise<void> {
    this.#input.setRawMode?.(true);
    this.#raw = true;
    void serve(this.#connection).finally(() => this.#hangUp());
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#hangUp();
    return Promise.resolve();
  }

  #hangUp(): void {
    // Before the terminal is out of reach.
    if (this.#raw) this.#input.setRawMode?.(false);
    this.#raw = false;
    this.#connection.hangUp();
  }
}

/** A terminal that node has put into raw mode still returns the carriage at each new line. */
function withoutReturns(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}
