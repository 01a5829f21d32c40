const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Tells that the parent has ended, with `-run-with exit-with-parent=on`. Of its own: the kernel sends it for each thread the parent had. */
export const PARENT_ENDED = 'SIGUSR2';

/** What systemd sends, by RestartKillSignal= of the unit, when it will start the service again at once. Without a handler it ends a process that does not listen yet. */
const RESTART = 'SIGQUIT';

/** The first signal that asks us to stop; a second one does not wait for anything. */
export class StopSignal {
  readonly came: Promise<void>;
  readonly #controller = new AbortController();

  constructor({ followsParent }: { readonly followsParent: boolean }) {
    this.came = new Promise((resolve) => {
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          if (this.asked) dieOf(signal);
          this.#controller.abort(new Error(`stopped by ${signal}`));
          resolve();
        });
      }
      if (!followsParent) return;
      process.on(PARENT_ENDED, () => {
        this.#controller.abort(new Error('who started it has ended'));
        resolve();
      });
    });
  }

  /** Settles when who holds what this process serves will start the next one: everything is to stay as it is. */
  static restart(): Promise<void> {
    return new Promise((resolve) => process.on(RESTART, () => resolve()));
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
