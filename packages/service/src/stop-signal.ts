const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The first signal that asks us to stop; a second one does not wait for anything. */
export class StopSignal {
  readonly came: Promise<NodeJS.Signals>;
  #first: NodeJS.Signals | undefined;
  readonly #release: () => void;

  constructor() {
    const handlers: [NodeJS.Signals, () => void][] = [];
    this.came = new Promise((resolve) => {
      for (const signal of SIGNALS) {
        handlers.push([signal, () => {
          if (this.#first !== undefined) dieOf(signal);
          this.#first = signal;
          resolve(signal);
        }]);
      }
    });
    for (const [signal, handler] of handlers) process.on(signal, handler);
    this.#release = () => handlers.forEach(([signal, handler]) => process.off(signal, handler));
  }

  get asked(): boolean {
    return this.#first !== undefined;
  }

  /** Lets signals be what they were before. */
  release(): void {
    this.#release();
  }
}

/** As if there were no handler. An orderly exit would wait for the device thread, which may be what hangs. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
