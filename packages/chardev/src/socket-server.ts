import { resolve } from 'node:path';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { adoptListener, listeningDescriptor, startListening } from '@vpmem/native';
import { ChardevError } from './chardev-error.ts';
import { describeChardev, type SocketOptions } from './chardev-options.ts';
import type { Chardev, Serve } from './chardev.ts';
import { ClientQueue } from './client-queue.ts';
import { Connection } from './connection.ts';
import { listenAt } from './unix-path.ts';

/** A socket that listens, at a path or a TCP port, and serves its clients, as many at a time as were asked for: one, as QEMU. */
export class SocketServer implements Chardev {
  readonly #options: SocketOptions;
  readonly #server: Server;
  readonly #remove: () => void;
  readonly #clients: ClientQueue<Socket>;

  /** @throws ChardevError */
  static async listen(options: SocketOptions, inherited?: Map<string, number>): Promise<SocketServer> {
    // Clients that only send, like `nc -N`, get their answers after they have closed their side.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    const { address } = options;
    const at = anchored(options);
    const theirs = inherited?.get(at);
    inherited?.delete(at);
    if ('path' in address) {
      const { fd, remove } = theirs === undefined ? listenAt(address.path) : adoptListener(address.path, theirs);
      try {
        await startListening(server, { fd });
      } catch (error) {
        // The descriptor is the server's by now.
        remove();
        throw failed(options, error);
      }
      return new SocketServer(options, server, remove);
    }
    try {
      await startListening(server, theirs === undefined ? address : { fd: theirs });
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
    const { clients: limit, wait, telnet } = options;
    this.#clients = new ClientQueue({ limit, wait, connect: (socket) => new Connection(socket, socket, { telnet }) });
    server.on('connection', (socket) => this.#clients.accept(socket));
    // Out of descriptors, for one: that client is lost, the next may come in.
    server.on('error', () => undefined);
  }

  get filename(): string {
    const { current } = this.#clients;
    if (current === undefined) return `disconnected:${this.endpoint}`;
    const { remoteAddress, remotePort } = current;
    return remoteAddress === undefined ? this.endpoint : `${this.endpoint} <-> ${remoteAddress}:${String(remotePort)}`;
  }

  get listener(): { readonly at: string; readonly fd: number } | undefined {
    const fd = listeningDescriptor(this.#server);
    return fd === undefined ? undefined : { at: anchored(this.#options), fd };
  }

  get endpoint(): string {
    return describeChardev(this.#options);
  }

  start(serve: Serve): Promise<void> {
    return this.#clients.start(serve);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#remove();
    this.#clients.close();
    await closed;
  }
}

/** Where it listens, for a process that may be in another folder. */
function anchored(options: SocketOptions): string {
  const { address } = options;
  return describeChardev('path' in address ? { ...options, address: { path: resolve(address.path) } } : options);
}

function failed(options: SocketOptions, error: unknown): ChardevError {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = describeChardev(options);
  if (code === 'EADDRINUSE') return new ChardevError('socket-in-use', `somebody is listening at ${where} already; name another port`, { cause: error });
  return new ChardevError('listen', `cannot listen at ${where}: ${message}`, { cause: error });
}
