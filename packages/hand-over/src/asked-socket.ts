import { createServer, type Server, type Socket } from 'node:net';
import { listenAtPath } from '@vpmem/native';
import { PROTOCOL } from './messages.ts';

/** Bytes of a question. */
const MOST = 4096;

/** Where a program can be asked to give itself over. */
export class AskedSocket {
  readonly #server: Server;
  readonly #remove: () => void;
  readonly #asked: (path: string) => string | undefined;

  /** @throws SocketPathError, Error. `asked` hears at which path the asking process waits to be called, or says why not. */
  static async open(path: string, asked: (path: string) => string | undefined): Promise<AskedSocket> {
    const { fd, remove } = listenAtPath(path);
    const socket = new AskedSocket(remove, asked);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.#server.once('error', reject);
        socket.#server.listen({ fd, exclusive: true }, resolve);
      });
    } catch (error) {
      remove();
      throw error;
    }
    socket.#server.on('error', () => undefined);
    return socket;
  }

  private constructor(remove: () => void, asked: (path: string) => string | undefined) {
    this.#remove = remove;
    this.#asked = asked;
    this.#server = createServer((socket) => this.#serve(socket));
    // A program that waits to be asked ends when it has nothing else to do.
    this.#server.unref();
  }

  close(): void {
    this.#remove();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: string) => {
      text += data;
      const end = text.indexOf('\n');
      if (end === -1 && text.length <= MOST) return;
      socket.removeAllListeners('data');
      const refusal = this.#answer(text.slice(0, Math.max(end, 0)));
      if (refusal !== undefined) socket.end(`${refusal}\n`);
    });
  }

  /** Why not, if it is not. */
  #answer(question: string): string | undefined {
    let asked: { protocol?: unknown; call?: unknown } | null;
    try {
      asked = JSON.parse(question) as typeof asked;
    } catch {
      return 'this is where a vpmem program asks another to give itself over';
    }
    if (asked?.protocol !== PROTOCOL) return `this program hands over by protocol ${PROTOCOL}, and ${String(asked?.protocol)} was asked for; take a version between`;
    if (typeof asked.call !== 'string') return 'the question names no socket to call back at';
    return this.#asked(asked.call);
  }
}
