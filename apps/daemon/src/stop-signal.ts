/** The first signal that asks us to stop; a second one does not wait for anything. */
export class StopSignal {
  readonly came: Promise<void>;
  #asked = false;

  constructor() {
    this.came = new Promise((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        process.on(signal, () => {
          if (this.#asked) dieOf(signal);
          this.#asked = true;
          resolve();
        });
      }
    });
  }

  get asked(): boolean {
    return this.#asked;
  }
}

/** As if there were no handler. An orderly exit would wait for the device thread, which may be what hangs. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
