import type { Chardev, Serve } from './chardev.ts';
import type { Connection } from './connection.ts';

/** A character device whose one client is there from the start: when that one leaves, nobody is served any more. */
export class ConnectedChardev implements Chardev {
  readonly #name: string;
  readonly #connection: Connection;

  /** @param name as `info chardev` shows it */
  constructor(name: string, connection: Connection) {
    this.#name = name;
    this.#connection = connection;
  }

  get filename(): string {
    return `${this.#connection.gone.aborted ? 'disconnected:' : ''}${this.#name}`;
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
