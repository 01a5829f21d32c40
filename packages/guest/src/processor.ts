interface Task {
  readonly run: () => void;
  readonly cancel: (reason: Error) => void;
}

const nothing = (): undefined => undefined;

/** A processor that can be stopped: what the guest has to do then waits until it goes on, in order. */
export class Processor {
  #running = true;
  #waiting: Task[] = [];

  get running(): boolean {
    return this.#running;
  }

  /** Does `work` now, or when the processor goes on; never after a {@link reset}. */
  run(work: () => void): void {
    if (this.#running) work();
    else this.#waiting.push({ run: work, cancel: nothing });
  }

  /** Settles when the processor runs; rejects with what {@link reset} is given. */
  whenRunning(): Promise<void> {
    if (this.#running) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ run: resolve, cancel: reject }));
  }

  stop(): void {
    this.#running = false;
  }

  cont(): void {
    this.#running = true;
    for (const { run } of this.#waiting.splice(0)) run();
  }

  /** Forgets everything that waits. */
  reset(reason: Error): void {
    for (const { cancel } of this.#waiting.splice(0)) cancel(reason);
  }
}
