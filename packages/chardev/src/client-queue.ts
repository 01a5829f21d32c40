import type { Serve } from './chardev.ts';
import type { Connection } from './connection.ts';

/** Clients that wait, connected, for one before them to leave; more are hung up on. */
export const MAX_WAITING = 32;

/** How clients that come are served. */
export interface ClientQueueOptions<S> {
  /** How many are served at a time. */
  readonly limit: number;
  /** Whether {@link ClientQueue.start} waits for the first. */
  readonly wait: boolean;
  /** A client's socket as what is served. */
  readonly connect: (socket: S) => Connection;
}

/** The clients of something that listens: as many at a time as it takes, the others in the order they came. */
export class ClientQueue<S extends { destroy(): unknown }> {
  readonly #options: ClientQueueOptions<S>;
  readonly #waiting: S[] = [];
  readonly #served = new Map<S, Connection>();
  #serve: Serve | undefined;
  #closed = false;
  #firstClient: (() => void) | undefined;

  constructor(options: ClientQueueOptions<S>) {
    this.#options = options;
  }

  /** The one of them that is served longest, if any is. */
  get current(): S | undefined {
    const [current] = this.#served.keys();
    return current;
  }

  /** Begins to serve; resolves when the first client is there, at once if none is waited for. */
  start(serve: Serve): Promise<void> {
    const first = this.#options.wait ? new Promise<void>((resolve) => (this.#firstClient = resolve)) : Promise.resolve();
    this.#serve = serve;
    this.#next();
    return first;
  }

  accept(socket: S): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    this.#waiting.push(socket);
    this.#next();
  }

  /** Hangs up on all. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    for (const connection of this.#served.values()) connection.hangUp();
    this.#firstClient?.();
  }

  #next(): void {
    if (this.#serve === undefined || this.#served.size >= this.#options.limit || this.#closed) return;
    const socket = this.#waiting.shift();
    if (socket === undefined) return;
    const connection = this.#options.connect(socket);
    this.#served.set(socket, connection);
    void this.#talk(this.#serve, socket, connection);
    this.#firstClient?.();
  }

  async #talk(serve: Serve, socket: S, connection: Connection): Promise<void> {
    try {
      await serve(connection);
    } finally {
      await connection.end();
      this.#served.delete(socket);
      this.#next();
    }
  }
}
