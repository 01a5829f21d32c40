import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { MonitorError } from '../monitor-error.ts';
import { describeChardev, type SocketOptions } from './chardev-options.ts';
import type { Chardev, Serve } from './chardev.ts';
import { Connection } from './connection.ts';
import { listenAt } from './unix-path.ts';

/** Clients that wait, connected, for one before them to leave; more are hung up on. */
export const MAX_WAITING = 32;

/** A socket that listens, at a path or a TCP port, and serves its clients, as many at a time as were asked for: one, as QEMU. */
export class SocketServer implements Chardev {
  readonly #options: SocketOptions;
  readonly #server: Server;
  readonly #remove: () => void;
  readonly #waiting: Socket[] = [];
  #serve: Serve | undefined;
  readonly #served = new Map<Socket, Connection>();
  #closed = false;
  #firstClient: (() => void) | undefined;

  /** @throws MonitorError */
  static async listen(options: SocketOptions): Promise<SocketServer> {
    // Clients that only send, like `nc -N`, get their answers after they have closed their side.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    const { address } = options;
    if ('path' in address) {
      const { fd, remove } = listenAt(address.path);
      try {
        await listening(server, { fd });
      } catch (error) {
        // The descriptor is the server's by now.
        remove();
        throw failed(options, error);
      }
      return new SocketServer(options, server, remove);
    }
    try {
      await listening(server, address);
    } catch (error) {
      throw failed(options, error);
    }
    const { port } = server.address() as AddressInfo;
    return new SocketServer({ ...options, address: { ...address, port } }, server, () => undefined);
  }

  private constructor(options: SocketOptions, server: Server, remove: () => void) {
    this.#options = options;
    this.#server = server;
    this.#remove = remove;
    server.on('connection', (socket) => this.#accept(socket));
    // Out of descriptors, for one: that client is lost, the next may come in.
    server.on('error', () => undefined);
  }

  get filename(): string {
    const [current] = this.#served.keys();
    if (current === undefined) return `disconnected:${this.endpoint}`;
    const { remoteAddress, remotePort } = current;
    return remoteAddress === undefined ? this.endpoint : `${this.endpoint} <-> ${remoteAddress}:${String(remotePort)}`;
  }

  get endpoint(): string {
    return describeChardev(this.#options);
  }

  start(serve: Serve): Promise<void> {
    const first = this.#options.wait ? new Promise<void>((resolve) => (this.#firstClient = resolve)) : Promise.resolve();
    this.#serve = serve;
    this.#next();
    return first;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#remove();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    for (const connection of this.#served.values()) connection.hangUp();
    this.#firstClient?.();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    this.#waiting.push(socket);
    this.#next();
  }

  #next(): void {
    if (this.#serve === undefined || this.#served.size >= this.#options.clients || this.#closed) return;
    const socket = this.#waiting.shift();
    if (socket === undefined) return;
    const connection = new Connection(socket, socket, { telnet: this.#options.telnet });
    this.#served.set(socket, connection);
    void this.#talk(this.#serve, socket, connection);
    this.#firstClient?.();
  }

  async #talk(serve: Serve, socket: Socket, connection: Connection): Promise<void> {
    try {
      await serve(connection);
    } finally {
      await connection.end();
      this.#served.delete(socket);
      this.#next();
    }
  }
}

function listening(server: Server, where: { readonly fd: number } | { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, exclusive: true }, (): void => {
      server.off('error', reject);
      resolve();
    });
  });
}

function failed(options: SocketOptions, error: unknown): MonitorError {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = describeChardev(options);
  if (code === 'EADDRINUSE') return new MonitorError('socket-in-use', `somebody is listening at ${where} already; name another port`, { cause: error });
  return new MonitorError('listen', `cannot listen at ${where}: ${message}`, { cause: error });
}
