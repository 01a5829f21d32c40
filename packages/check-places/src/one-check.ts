import { ExploreError } from '@vpmem/explorer';

/** Lets one check run at a time, and none after the place was closed. */
export class OneCheck {
  #running: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;

  /** @throws ExploreError if the place is closed, or closed meanwhile */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new ExploreError('the place is closed');
    if (this.#running !== undefined) throw new Error('a place checks one image at a time');
    const running = work();
    this.#running = running.catch(() => undefined);
    try {
      const result = await running;
      this.stillOpen();
      return result;
    } catch (error) {
      // What fails because all was taken away is no trouble of its own.
      this.stillOpen();
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  /** @throws ExploreError if the place was closed */
  stillOpen(): void {
    if (this.#closed !== undefined) throw new ExploreError('the place was closed while a check ran');
  }

  /** Ends the check that runs, waits for its end, and removes what is left; a second call waits for the first. */
  close(end: () => Promise<void>, remove: () => Promise<void>): Promise<void> {
    this.#closed ??= (async () => {
      await end();
      await this.#running;
      await remove();
    })();
    return this.#closed;
  }
}
