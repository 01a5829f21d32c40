import { connect, type Socket, type TcpNetConnectOpts, type IpcNetConnectOpts } from 'node:net';

/** Milliseconds after which a client stops waiting; it ends a hang, nothing else. */
const PATIENCE = 60_000;
/** Characters of what came that an error shows. */
const SHOWN = 500;

/** A client that talks to a socket in text, for tests. */
export class TextClient {
  readonly socket: Socket;
  #received = '';
  #seen = 0;
  #ended = false;
  #changed: () => void = () => undefined;

  /** Resolves when it is connected. */
  static async connect(where: IpcNetConnectOpts | TcpNetConnectOpts): Promise<TextClient> {
    const socket = connect({ ...where, allowHalfOpen: true });
    const client = new TextClient(socket);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return client;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#changed();
    });
    // Being hung up on is something that tests look for.
    socket.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#changed();
      });
    }
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** Says that it has no more to say, and still listens. */
  finish(): void {
    this.socket.end();
  }

  /** What came since the last call, up to and with `text`. */
  async until(text: string): Promise<string> {
    await this.#wait(`'${text}'`, () => this.#received.includes(text, this.#seen) || this.#ended);
    const at = this.#received.indexOf(text, this.#seen);
    if (at === -1) throw new Error(`disconnected before '${text}'; last came: ${this.#received.slice(this.#seen).slice(-SHOWN)}`);
    const from = this.#seen;
    this.#seen = at + text.length;
    return this.#received.slice(from, this.#seen);
  }

  /** All that came since the last call of `until`, when the other side has hung up. */
  async untilEnd(): Promise<string> {
    await this.#wait('the end', () => this.#ended);
    return this.#received.slice(this.#seen);
  }

  close(): void {
    this.socket.destroy();
  }

  async #wait(what: string, arrived: () => boolean): Promise<void> {
    const late = setTimeout(() => this.#changed(), PATIENCE);
    const from = Date.now();
    while (!arrived()) {
      if (Date.now() - from >= PATIENCE) throw new Error(`${what} did not come; last came: ${this.#received.slice(this.#seen).slice(-SHOWN)}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    clearTimeout(late);
  }
}
