import { TokenBucket, type FlushQueue, type RateLimit } from '@vpmem/memory-backend';

/**
 * Bounds what a guest costs that notifies its device without asking for anything: as many such notifications as there may be
 * syncs. One more, and its VM has to wait. Notifications that bring flushes are bounded by those.
 */
export class NotificationLimit {
  readonly #flushes: FlushQueue;
  readonly #pause: (milliseconds: number) => void;
  readonly #now: () => number;
  #bucket: TokenBucket | undefined;
  #heldBack = 0;

  /** `pause` hears nothing of the VM for so long; `now` in milliseconds. */
  constructor(flushes: FlushQueue, pause: (milliseconds: number) => void, now: () => number = () => performance.now()) {
    this.#flushes = flushes;
    this.#pause = pause;
    this.#now = now;
  }

  /** Notifications that the VM had to wait after, so far. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Replaces the limit; undefined takes it away. */
  limitTo(limit: RateLimit | undefined): void {
    this.#bucket = limit && new TokenBucket(limit, this.#now);
  }

  /** Has the device serve one notification. */
  pass(serve: () => void): void {
    const before = this.#flushes.inFlight;
    serve();
    if (this.#flushes.inFlight > before) return;
    const wait = this.#bucket?.take() ?? 0;
    if (wait === 0) return;
    this.#heldBack++;
    this.#pause(wait);
  }
}
