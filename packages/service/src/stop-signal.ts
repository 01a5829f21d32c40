const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The first signal that asks us to stop; a second one does not wait for anything. */
export class StopSignal {
  readonly came: Promise<void>;
  readonly #controller = new AbortController();

  constructor() {
    this.came = new Promise((resolve) => {
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          if (this.asked) dieOf(signal);
          this.#controller.abort(new Error(`stopped by ${signal}`));
          resolve();
        });
      }
    });
  }

  get asked(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Aborted when one has come, for whatever waits. */
  get abort(): AbortSignal {
    return this.#controller.signal;
  }
}

/** As if there were no handler. An orderly exit would wait for the device thread, which may be what hangs. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
