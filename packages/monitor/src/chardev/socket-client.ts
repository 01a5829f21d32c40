import { connect, type Socket } from 'node:net';
import { MonitorError } from '../monitor-error.ts';
import { describeChardev, type SocketOptions } from './chardev-options.ts';
import type { Chardev, Serve } from './chardev.ts';
import { Connection } from './connection.ts';

/** A socket that connects out, once: when the other side hangs up, nobody is served any more. */
export class SocketClient implements Chardev {
  readonly #options: SocketOptions;
  readonly #connection: Connection;

  /** @throws MonitorError if there is nobody */
  static async connect(options: SocketOptions): Promise<SocketClient> {
    const socket = connect({ ...options.address, allowHalfOpen: true, noDelay: true });
    try {
      await connected(socket);
    } catch (error) {
      throw new MonitorError('connect', `cannot connect to ${describeChardev(options)}: ${(error as Error).message}; listen with server=on, or start what listens there first`, {
        cause: error,
      });
    }
    return new SocketClient(options, socket);
  }

  private constructor(options: SocketOptions, socket: Socket) {
    this.#options = options;
    this.#connection = new Connection(socket, socket, { telnet: options.telnet });
  }

  get filename(): string {
    return `${this.#connected ? '' : 'disconnected:'}${describeChardev(this.#options)}`;
  }

  get #connected(): boolean {
    return !this.#connection.gone.aborted;
  }

  start(serve: Serve): Promise<void> {
    void serve(this.#connection).finally(() => this.#connection.end());
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#connection.hangUp();
    return Promise.resolve();
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
