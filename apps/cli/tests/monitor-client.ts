import { connect, type Socket } from 'node:net';

const PROMPT = '(vpmem) ';

/** Somebody who types at an HMP monitor. */
export class HmpClient {
  readonly #socket: Socket;
  #text = '';
  #arrived: () => void = () => undefined;
  #ended = false;

  static async connect(path: string): Promise<HmpClient> {
    const client = new HmpClient(connect(path));
    await client.#prompt();
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#text += text;
      this.#arrived();
    });
    const end = (): void => {
      this.#ended = true;
      this.#arrived();
    };
    socket.on('error', end);
    socket.on('close', end);
  }

  /** Types a line. @returns what is printed below it */
  async type(line: string): Promise<string> {
    this.#socket.write(`${line}\n`);
    const [, ...printed] = (await this.#prompt()).split('\n');
    // The first line is what was typed.
    return printed.join('\n');
  }

  close(): void {
    this.#socket.destroy();
  }

  async #prompt(): Promise<string> {
    for (;;) {
      const plain = this.#text.replaceAll('\r', '');
      if (plain.endsWith(PROMPT)) {
        this.#text = '';
        return plain.slice(0, -PROMPT.length).trimEnd();
      }
      if (this.#ended) throw new Error(`the monitor has hung up; it had printed: ${plain}`);
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }
}
