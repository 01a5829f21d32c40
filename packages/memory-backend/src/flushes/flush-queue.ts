import type { SavedObject } from '@vpmem/layout';
import { LatencyHistogram, type FlushLatency, type LatencyState } from './latency-histogram.ts';
import { restoreFailure, saveFailure, type SavedFailure } from './saved-failure.ts';
import type { Syncer } from './syncer.ts';

/** A sync that was not carried out, which says nothing about what was written: later ones may succeed. */
export class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
}

/** Counters since the queue was made. A plain object, safe to copy. */
export interface FlushStats {
  /** Flushes requested. */
  asked: number;
  /** Syncs for them that worked. */
  synced: number;
  /** Flushes that shared their sync with an earlier one. */
  coalesced: number;
  /** Flushes answered with failure. */
  failed: number;
}

/** A queue as plain JSON. Nobody waits in it: who has asked asks again, or was answered before. */
export interface FlushQueueState {
  readonly stats: FlushStats;
  readonly latency: LatencyState;
  /** Why flushes fail; absent if they do not. */
  readonly failure?: SavedFailure;
}

/**
 * Says whether everything written before the request is durable. `last`: no other answer to the same asker follows at once; false
 * for one that comes from within {@link FlushQueue.request}, since the asker knows whether it asks again.
 */
export type FlushAnswer = (durable: boolean, last: boolean) => void;

interface Waiting {
  readonly answer: FlushAnswer;
  readonly asker: object | undefined;
  /** When, by `performance.now()`. */
  readonly asked: number;
}

/**
 * Turns flush requests into syncs. Requests that arrive before a sync begins share it, those that arrive while it runs
 * share the next; no request is answered by a sync that began before it arrived.
 *
 * The first sync that fails makes every later flush fail until {@link powerOn}: the kernel reports a lost write once, so a
 * later success would be a lie. A {@link PassingFailure} fails only those who waited for that sync.
 */
export class FlushQueue {
  /** Hears that flushes fail from now on, before anybody is answered, or that they do not any more. */
  onFailureChange: (() => void) | undefined;
  readonly stats: FlushStats = { asked: 0, synced: 0, coalesced: 0, failed: 0 };
  readonly #latency = new LatencyHistogram();
  readonly #syncer: Syncer;
  readonly #onFailure: (error: NodeJS.ErrnoException) => void;
  /** Covered by the sync that is running, or about to. */
  #current: Waiting[] = [];
  /** Have to wait for the next one. */
  #next: Waiting[] = [];
  #running = false;
  #failure: NodeJS.ErrnoException | undefined;
  #idle: (() => void)[] = [];

  /** `onFailure` hears of the first failure after each {@link powerOn}. */
  constructor(syncer: Syncer, onFailure: (error: NodeJS.ErrnoException) => void = () => undefined) {
    this.#syncer = syncer;
    this.#onFailure = onFailure;
  }

  /** Flushes that wait for an answer. */
  get inFlight(): number {
    return this.#current.length + this.#next.length;
  }

  /** How long those that were answered with success took; undefined before the first. */
  get latency(): FlushLatency | undefined {
    return this.#latency.summary;
  }

  /** Why flushes fail, if they do. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /**
   * Asks for everything written so far to become durable; {@link start} has to follow after the last of a batch. `asker` is
   * who may {@link cancel} it; without one nobody can.
   */
  request(answer: FlushAnswer, asker?: object): void {
    this.stats.asked++;
    if (this.#failure !== undefined) {
      this.stats.failed++;
      answer(false, false);
      return;
    }
    const batch = this.#running && !this.#syncer.begun ? this.#current : this.#next;
    if (batch.length > 0) this.stats.coalesced++;
    batch.push({ answer, asker, asked: performance.now() });
  }

  /** Begins a sync if one is wanted and none is running. */
  start(): void {
    if (!this.#running) this.#begin();
  }

  /** Forgets what `asker` asked for: it gets no answer. A running sync runs on; `done` is called, possibly at once, after it. */
  cancel(asker: object, done: () => void): void {
    const others = (waiting: Waiting): boolean => waiting.asker !== asker;
    this.#current = this.#current.filter(others);
    this.#next = this.#next.filter(others);
    if (this.inFlight === 0) this.#syncer.release?.();
    this.whenIdle(done);
  }

  /** Calls back, possibly at once, when no sync is running. */
  whenIdle(callback: () => void): void {
    if (this.#running) this.#idle.push(callback);
    else callback();
  }

  /** The device was plugged in anew: an earlier failure no longer counts. */
  powerOn(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.onFailureChange?.();
  }

  /** At any time. */
  save(): FlushQueueState {
    return { stats: { ...this.stats }, latency: this.#latency.save(), ...(this.#failure !== undefined && { failure: saveFailure(this.#failure) }) };
  }

  /** Goes on from what {@link save} has given: what has failed stays failed. Nobody is told. @throws RangeError: nothing has changed then */
  restore(saved: SavedObject): void {
    const stats = saved.object('stats');
    const [asked, synced, coalesced, failed] = [stats.number('asked'), stats.number('synced'), stats.number('coalesced'), stats.number('failed')];
    const failure = saved.optional('failure', (name) => restoreFailure(saved.object(name)));
    this.#latency.restore(saved.object('latency'));
    Object.assign(this.stats, { asked, synced, coalesced, failed });
    this.#failure = failure;
  }

  /** It had failed where it comes from, and was plugged in for this process alone: it stays failed, and nobody is told anew. */
  stayFailed(failure: NodeJS.ErrnoException): void {
    this.#failure = failure;
  }

  /** Whether there was anything to sync for. */
  #begin(): boolean {
    if (this.#next.length === 0) return false;
    this.#current = this.#next;
    this.#next = [];
    this.#running = true;
    this.#syncer.start((error) => this.#finished(error));
    return true;
  }

  #finished(error: NodeJS.ErrnoException | undefined): void {
    const answered = this.#current;
    this.#current = [];
    this.#running = false;
    if (error === undefined) {
      this.stats.synced++;
      const now = performance.now();
      for (const { asked } of answered) this.#latency.record((now - asked) * 1000);
    } else {
      if (!(error instanceof PassingFailure)) {
        this.#fail(error);
        answered.push(...this.#next.splice(0));
      }
      this.stats.failed += answered.length;
    }
    answerAll(answered, error === undefined);
    if (this.#begin()) return;
    for (const callback of this.#idle.splice(0)) callback();
  }

  #fail(error: NodeJS.ErrnoException): void {
    const first = this.#failure === undefined;
    this.#failure = error;
    if (!first) return;
    this.onFailureChange?.();
    this.#onFailure(error);
  }
}

function answerAll(waiting: readonly Waiting[], durable: boolean): void {
  // One alone is what a guest with one process has.
  if (waiting.length === 1) return waiting[0]?.answer(durable, true);
  const last = new Map(waiting.map(({ asker }, i) => [asker, i]));
  waiting.forEach(({ answer, asker }, i) => answer(durable, last.get(asker) === i));
}
