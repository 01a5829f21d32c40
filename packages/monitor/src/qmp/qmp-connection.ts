import { QmpSession, type QmpSessionOptions } from '@vpmem/qmp';
import type { Connection } from '@vpmem/chardev';

export type QmpConnectionOptions = Pick<QmpSessionOptions, 'version' | 'handlers' | 'foreign' | 'pretty' | 'onInternalError'>;

/**
 * A client of a QMP monitor. It is not read from while a command runs, nor while it does not read itself; events that it
 * does not read are held up to a limit (see `QmpSession`), then it is hung up on.
 */
export class QmpConnection {
  readonly session: QmpSession;
  readonly #connection: Connection;
  #resume: (() => void) | undefined;

  constructor(connection: Connection, options: QmpConnectionOptions) {
    this.#connection = connection;
    this.session = new QmpSession({
      ...options,
      write: (text) => connection.send(text),
      onPause: () => this.#resume?.(),
      onOverflow: () => connection.hangUp(),
    });
    connection.onDrain(() => this.session.drained());
    connection.gone.addEventListener('abort', () => {
      this.session.end();
      this.#resume?.();
    });
  }

  /** Answers the client until it has gone, or has nothing more to ask. */
  async serve(): Promise<void> {
    for await (const chunk of this.#connection.chunks()) {
      this.session.receive(chunk);
      while (this.session.paused && !this.#connection.gone.aborted) await new Promise<void>((resolve) => (this.#resume = resolve));
    }
    await this.session.idle();
  }
}
