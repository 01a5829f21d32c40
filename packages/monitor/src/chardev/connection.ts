import type { Readable, Writable } from 'node:stream';
import { TELNET_GREETING, TelnetDecoder } from './telnet.ts';

/** How a client is connected. */
export interface ConnectionOptions {
  readonly telnet?: boolean;
  /** The client is a terminal that this program has, so its Ctrl-C means this program. */
  readonly terminal?: boolean;
}

/**
 * One client of a monitor. What goes wrong with it, at any time, is the client's affair: reading then ends and what is
 * written is lost.
 */
export class Connection {
  /** Aborted when the client has gone or was hung up on. */
  readonly gone: AbortSignal;
  /** Whether the client is this program's own terminal. */
  readonly terminal: boolean;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #telnet: TelnetDecoder | undefined;

  constructor(input: Readable, output: Writable, { telnet = false, terminal = false }: ConnectionOptions = {}) {
    const controller = new AbortController();
    this.gone = controller.signal;
    this.terminal = terminal;
    this.#input = input;
    this.#output = output;
    this.#telnet = telnet ? new TelnetDecoder() : undefined;
    for (const stream of new Set([input, output])) {
      // Without a listener an error would end the program; 'close' follows it.
      stream.on('error', () => undefined);
      stream.once('close', () => controller.abort());
    }
    if (telnet) output.write(TELNET_GREETING);
  }

  /** What the client sends. Nothing more is read from it until the next chunk is asked for. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.#input) {
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
    await new Promise<void>((resolve) => this.#output.write(data, () => resolve()));
  }

  /** Bytes that were written and the kernel has not taken yet. */
  get unsent(): number {
    return this.#output.writableLength;
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
