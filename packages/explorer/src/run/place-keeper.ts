import type { CheckPlace } from '../check-place.ts';

/** Places that are open, each of which is closed once, also if it opens when all others are closed already. */
export class PlaceKeeper {
  readonly #open: (job: number) => Promise<CheckPlace>;
  readonly #closing: (() => Promise<void>)[] = [];
  #closed: Promise<void> | undefined;

  constructor(open: (job: number) => Promise<CheckPlace>) {
    this.#open = open;
  }

  /** @throws Error if all are closed already; whatever opening throws */
  async open(job: number): Promise<CheckPlace> {
    const place = await this.#open(job);
    if (this.#closed !== undefined) {
      await place.close();
      throw new Error('stopped while a place was opened');
    }
    this.#closing.push(() => place.close());
    return place;
  }

  /** Checks that run end. A second call waits for the first. @throws what closing throws, when all were tried */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#closing.map((close) => close())).then((results) => {
      const failed = results.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    });
    return this.#closed;
  }
}
