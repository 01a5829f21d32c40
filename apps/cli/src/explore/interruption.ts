import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What ends a run in good order: nothing stays mounted. A second signal is only heard when that is done. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #hear = (signal: NodeJS.Signals): void => {
    this.#signal ??= signal;
    this.#controller.abort();
  };
  #signal: NodeJS.Signals | undefined;

  constructor() {
    for (const each of SIGNALS) process.on(each, this.#hear);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What a shell says of a program that a signal has ended; undefined if none came. */
  get status(): number | undefined {
    return this.#signal === undefined ? undefined : 128 + constants.signals[this.#signal];
  }

  end(): void {
    for (const each of SIGNALS) process.off(each, this.#hear);
  }
}
