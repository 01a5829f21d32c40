import type { SavedObject } from '@vpmem/layout';
import type { After } from '../after.ts';
import { PassingFailure } from './flush-queue.ts';
import type { Syncer } from './syncer.ts';
import { TokenBucket, type RateLimit } from './token-bucket.ts';

type Done = (error: NodeJS.ErrnoException | undefined) => void;

/** A throttle as plain JSON. */
export interface ThrottleState {
  /** Syncs that had to wait. */
  readonly heldBack: number;
  /** Absent: there is no limit. `tokens`: how many syncs may begin at once; below 0 they are owed. */
  readonly limit?: RateLimit & { readonly tokens: number };
}

/**
 * A {@link Syncer} that begins no more syncs than it may. Flushes that are asked for while one is held back share
 * it, and a queue holds only so many, so a guest that floods is slowed down and nobody else pays. Without a limit nothing is held back.
 */
export class FlushThrottle implements Syncer {
  /** Hears that the limit is another one. */
  onChange: (() => void) | undefined;
  readonly #syncer: Syncer;
  readonly #after: After;
  readonly #now: () => number;
  #bucket: TokenBucket | undefined;
  #held: { readonly begin: () => void; readonly drop: () => void } | undefined;
  #heldBack = 0;
  #hurries = false;

  /** `now` in milliseconds. */
  constructor(syncer: Syncer, after: After, now: () => number = () => performance.now()) {
    this.#syncer = syncer;
    this.#after = after;
    this.#now = now;
  }

  get begun(): boolean {
    return this.#held === undefined && this.#syncer.begun;
  }

  get limit(): RateLimit | undefined {
    return this.#bucket?.limit;
  }

  /** Syncs that had to wait, so far. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Replaces the limit, with a full bucket; undefined takes it away. A sync that is held back begins. */
  limitTo(limit: RateLimit | undefined): void {
    this.#bucket = limit && new TokenBucket(limit, this.#now);
    this.onChange?.();
    this.#held?.begin();
  }

  /** Whether nothing is held back for now: what should have waited is owed, and paid later. What is being held back begins. */
  hurry(hurries: boolean): void {
    this.#hurries = hurries;
    if (hurries) this.#held?.begin();
  }

  /** At any time; a sync that is held back is not in it. */
  save(): ThrottleState {
    const bucket = this.#bucket;
    return { heldBack: this.#heldBack, ...(bucket !== undefined && { limit: { ...bucket.limit, tokens: bucket.tokens } }) };
  }

  /** Goes on from what {@link save} has given. @throws RangeError: nothing has changed then */
  restore(saved: SavedObject): void {
    const heldBack = saved.number('heldBack');
    const bucket = saved.optional('limit', (name) => {
      const limit = saved.object(name);
      return new TokenBucket({ ops: limit.real('ops', Number.MIN_VALUE), burst: limit.real('burst', 1) }, this.#now, limit.real('tokens'));
    });
    this.#heldBack = heldBack;
    this.#bucket = bucket;
  }

  start(done: Done): void {
    const wait = this.#bucket?.take() ?? 0;
    if (wait <= 0 || this.#hurries) return this.#syncer.start(done);
    this.#heldBack++;
    const cancel = this.#after(wait, () => this.#held?.begin());
    const end = (): void => {
      cancel();
      this.#held = undefined;
    };
    this.#held = {
      begin: () => {
        end();
        this.#syncer.start(done);
      },
      drop: () => {
        end();
        this.#bucket?.giveBack();
        this.#after(0, () => done(new PassingFailure('nobody waits for it any more')));
      },
    };
  }

  /** Nobody waits for a sync that is held back: there will be none, or whoever comes and goes would have as many as it likes. */
  release(): void {
    if (this.#held === undefined) this.#syncer.release?.();
    else this.#held.drop();
  }
}
