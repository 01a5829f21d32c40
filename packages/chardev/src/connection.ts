import type { Readable, Writable } from 'node:stream';
import { TELNET_GREETING, TelnetDecoder } from './telnet.ts';

/** A terminal's width, if it is known. */
export interface Terminal {
  readonly columns?: number;
}

/** How a client is connected. */
export interface ConnectionOptions {
  readonly telnet?: boolean;
  /** This program's own terminal, if that is the client. */
  readonly terminal?: Terminal | undefined;
}

/**
 * One client of a monitor. What goes wrong with it, at any time, is the client's affair: reading then ends and what is
 * written is lost.
 */
export class Connection {
  /** Aborted when the client has gone or was hung up on. */
  readonly gone: AbortSignal;
  /** This program's own terminal, if that is the client: its Ctrl-C means this program. */
  readonly terminal: Terminal | undefined;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #telnet: TelnetDecoder | undefined;

  constructor(input: Readable, output: Writable, { telnet = false, terminal }: ConnectionOptions = {}) {
    const controller = new AbortController();
    this.gone = controller.signal;
    this.terminal = terminal;
    this.#input = input;
    this.#output = output;
    this.#telnet = telnet ? new TelnetDecoder() : undefined;
    // Without a listener an error would end the program; 'close' follows it.
    for (const stream of new Set([input, output])) stream.on('error', () => undefined);
    // A client that has said all it has to say is still there.
    output.once('close', () => controller.abort());
    if (telnet) output.write(TELNET_GREETING);
  }

  /** What the client sends. Nothing more is read from it until the next chunk is asked for. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      // Its end is not the end of what is written: a client that has closed its side still gets its answers.
      for await (const chunk of this.#input.iterator({ destroyOnReturn: false })) {
        const bytes = chunk as Buffer;
        const data = this.#telnet === undefined ? bytes : this.#telnet.decode(bytes);
        if (data.length > 0) yield data;
      }
    } catch {
      // A reset, or hung up on by us: the client has gone, and that is all there is to know.
    }
  }

  /** Sends; resolves once the kernel has it, or the client has gone. A client that does not read is waited for. */
  async write(data: string | Uint8Array): Promise<void> {
    if (!this.#output.writable) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.gone.removeEventListener('abort', done);
        resolve();
      };
      // A write that has begun is not given up by every kind of stream.
      this.gone.addEventListener('abort', done);
      this.#output.write(data, done);
    });
  }

  /** Sends without waiting. False: the client does not keep up, so no more should come before `onDrain`'s listener is called. */
  send(data: string | Uint8Array): boolean {
    return !this.#output.writable || this.#output.write(data);
  }

  /** Calls `listener` each time the kernel has taken all that was sent. */
  onDrain(listener: () => void): void {
    this.#output.on('drain', listener);
  }

  /** Lets what was written leave, then hangs up. */
  async end(): Promise<void> {
    if (this.gone.aborted) return;
    const gone = new Promise<void>((resolve) => this.gone.addEventListener('abort', () => resolve(), { once: true }));
    this.#output.end(() => this.hangUp());
    await gone;
  }

  /** Hangs up at once. */
  hangUp(): void {
    this.#input.destroy();
    this.#output.destroy();
  }
}
