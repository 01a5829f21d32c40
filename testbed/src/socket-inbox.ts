import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A socket we listen on for the one connection that QEMU makes; so there is nothing to try again until it works. */
export class SocketInbox {
  readonly path: string;
  /** Settles with the connection, never if none is made. */
  readonly connection: Promise<Socket>;
  readonly #server: Server;
  #socket: Socket | undefined;
  #closed: Promise<unknown> = Promise.resolve();

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
    this.connection = new Promise((resolve) => {
      server.once('connection', (socket) => {
        this.#socket = socket;
        this.#closed = new Promise((done) => socket.once('close', done));
        // A killed QEMU resets its connections; that it is dead is said by its exit.
        socket.on('error', () => undefined);
        server.close();
        resolve(socket);
      });
    });
  }

  static async listen(path: string): Promise<SocketInbox> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new SocketInbox(path, server);
  }

  /** Settles when the connection has ended and everything of it was read; at once if there never was one. */
  async ended(): Promise<void> {
    this.#server.close();
    await this.#closed;
  }

  close(): void {
    this.#server.close();
    this.#socket?.destroy();
  }
}
