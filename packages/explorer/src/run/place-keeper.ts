import type { CheckPlace } from '../check-place.ts';

/** Places that are open, each of which is closed once, also if it opens when all others are closed already. */
export class PlaceKeeper {
  readonly #open: (job: number) => Promise<CheckPlace>;
  /** Those that are being opened or are open: how to close each. */
  readonly #places = new Set<() => Promise<void>>();
  #closed: Promise<void> | undefined;

  constructor(open: (job: number) => Promise<CheckPlace>) {
    this.#open = open;
  }

  /** @throws Error if all are closed meanwhile; whatever opening throws */
  async open(job: number): Promise<CheckPlace> {
    this.#mustBeOpen();
    const opening = this.#open(job);
    let closing: Promise<void> | undefined;
    // What cannot be opened need not be closed.
    const close = (): Promise<void> => (closing ??= opening.then((place) => place.close(), () => undefined));
    this.#places.add(close);
    const place = await opening;
    if (this.#closed !== undefined) await close();
    this.#mustBeOpen();
    return place;
  }

  /** Checks that run end; a place that is being opened is waited for. A second call waits for the first. @throws what closing throws, when all were tried */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled([...this.#places].map((close) => close())).then((results) => {
      const failed = results.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    });
    return this.#closed;
  }

  #mustBeOpen(): void {
    if (this.#closed !== undefined) throw new Error('stopped while a place was opened');
  }
}
