import { PassingFailure, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import type { EventLoop } from '@vpmem/native';
import type { MediumResult } from './medium-messages.ts';
import { MediumThreadHandle } from './medium-thread-handle.ts';
import type { Losses } from './medium-work.ts';
import type { Survival } from './survival.ts';

/** What a power cut is to leave. */
export interface PowerCutOptions extends Survival {
  /** Leave the guest its power, and make a file of what would be left; there must be none of that name. */
  readonly image?: string;
}

/** Where in a flush: asked and nothing written; partly written, as much as the seed says; durable and not answered. */
export type CutPhase = 'before' | 'during' | 'after-durable';

/** A power cut to come. */
export interface PowerCutPlan {
  /** Which flush, counted from now: 1 is the next. Flushes that share a sync count as one. */
  readonly atFlush: number;
  readonly phase: CutPhase;
  readonly options: PowerCutOptions;
}

/** What a power cut did. */
export interface PowerCutReport {
  /** Which flush it came at, counted from the first there was; undefined if it came on its own. */
  readonly flush: number | undefined;
  /** Bytes that differed from the file, and are gone. */
  readonly lostBytes: number;
  /** Bytes that differed from the file, and are in it now, or in the image. */
  readonly survivedBytes: number;
  readonly seed: number;
  /** The file that was made, if the guest kept its power. */
  readonly image: string | undefined;
}

/** What a power cut would cost now, as far as is known. */
export interface Exposure {
  /** Bytes that are not durable; undefined if they were not counted since the last flush. */
  readonly bytes: number | undefined;
  /** Milliseconds since the oldest of them can have been stored; undefined if there are none. */
  readonly oldest: number | undefined;
}

/** Whoever has to cut the guest off. */
export interface PowerObserver {
  /** The power is gone: whoever uses the memory has to be cut off now. Memory is replaced after this. */
  powerLost(): void;
  /** The memory holds what was durable, and can be used again. */
  powerBack(): void;
  /** What came of a plan. */
  planned(outcome: PowerCutReport | NodeJS.ErrnoException): void;
}

/** Calls back later, never from within. */
type Defer = (callback: () => void) => void;

/**
 * A disk that loses what was not flushed when its power goes: memory that a guest maps, a file that holds what is durable, and
 * a thread that moves bytes from the first to the second. As a {@link Syncer} it makes what memory holds durable.
 */
export class SimulatedMedium implements Syncer {
  readonly #thread: MediumThreadHandle;
  readonly #observer: PowerObserver;
  readonly #defer: Defer;
  #plan: PowerCutPlan | undefined;
  #flushes = 0;
  /** The number of the last flush's job; undefined if it has none, because the power goes first. */
  #flushJob: number | undefined;
  /** Cuts that are being carried out. */
  #cuts = 0;
  /** When, by `performance.now()`: everything that was stored before is durable. */
  #durableSince = performance.now();
  #measured: number | undefined;
  /** Who waits for the count that is being taken. */
  #measuring: ((exposure: Exposure) => void)[] = [];

  /**
   * For a backend with `medium`, which must stay open until {@link close} has called back. What it has to say comes
   * through `loop`, or without one through node's own event loop.
   */
  constructor({ id, fd, offset, size, medium }: BackendDescription, observer: PowerObserver, loop?: EventLoop) {
    if (medium === undefined) throw new TypeError(`memory backend '${id}' has no medium of its own: it takes power-failure=on`);
    this.#thread = new MediumThreadHandle({ memory: { fd, offset }, file: medium, size }, loop);
    this.#observer = observer;
    this.#defer = loop?.defer ?? setImmediate;
  }

  get begun(): boolean {
    return this.#flushJob === undefined || this.#thread.hasBegun(this.#flushJob);
  }

  start(done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const flush = ++this.#flushes;
    const plan = this.#takePlan();
    if (plan === undefined) this.#flush(done);
    else if (plan.options.image === undefined) this.#cutAt(flush, plan, done);
    else this.#imageAt(flush, plan, plan.options.image, done);
  }

  /** Cuts the power at a flush to come; a plan there was is given up. */
  plan(plan: PowerCutPlan | undefined): void {
    this.#plan = plan;
  }

  /** Cuts the power now, or makes an image of what that would leave. A flush that is being carried out is carried out first. */
  cut(options: PowerCutOptions, done: (outcome: PowerCutReport | NodeJS.ErrnoException) => void): void {
    if (options.image !== undefined) return this.#image(options, options.image, undefined, false, done);
    if (this.#cuts > 0) return this.#defer(() => done(Object.assign(new Error('the power is being cut already'), { code: 'EALREADY' })));
    this.#plan = undefined;
    this.#cut(options, undefined, false, done);
  }

  /** Counts what is not durable, or says what it last knew if there is something else to do. */
  measure(done: (exposure: Exposure) => void): void {
    if (this.#measuring.length > 0) return void this.#measuring.push(done);
    if (!this.#thread.idle) return this.#defer(() => done(this.#exposure));
    const asked = performance.now();
    this.#measuring.push(done);
    this.#thread.post({ type: 'measure' }, (result) => {
      this.#measured = result.ok ? result.bytes : undefined;
      if (this.#measured === 0) this.#durableSince = asked;
      for (const each of this.#measuring.splice(0)) each(this.#exposure);
    });
  }

  /** Ends its thread; `done` is called when the backend may be closed. This is no flush. */
  close(done: () => void): void {
    this.#thread.close(done);
  }

  get #exposure(): Exposure {
    return { bytes: this.#measured, oldest: this.#measured === 0 ? undefined : Math.ceil(performance.now() - this.#durableSince) };
  }

  #takePlan(): PowerCutPlan | undefined {
    const plan = this.#plan;
    if (plan === undefined) return undefined;
    this.#plan = plan.atFlush > 1 ? { ...plan, atFlush: plan.atFlush - 1 } : undefined;
    return this.#plan === undefined ? plan : undefined;
  }

  #flush(done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const asked = performance.now();
    this.#flushJob = this.#thread.post({ type: 'flush' }, (result) => {
      if (result.ok) this.#durableSince = asked;
      this.#measured = undefined;
      done(result.ok ? undefined : errorOf(result));
    });
  }

  /** The flush is never answered: whoever asked is cut off first. */
  #cutAt(flush: number, { phase, options }: PowerCutPlan, done: (error: Error) => void): void {
    this.#flushJob = undefined;
    const cut = (): void =>
      this.#cut(options, flush, phase === 'during', (outcome) => {
        done(new PassingFailure('the power was cut'));
        this.#observer.planned(outcome);
      });
    if (phase === 'after-durable') this.#flush(cut);
    else this.#defer(cut);
  }

  #imageAt(flush: number, { phase, options }: PowerCutPlan, path: string, done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const image = (then?: () => void): void =>
      this.#image(options, path, flush, phase === 'during', (outcome) => {
        then?.();
        this.#observer.planned(outcome);
      });
    if (phase === 'after-durable') return this.#flush((error) => image(() => done(error)));
    image();
    this.#flush(done);
  }

  #cut(options: PowerCutOptions, flush: number | undefined, midFlush: boolean, done: (outcome: PowerCutReport | NodeJS.ErrnoException) => void): void {
    this.#cuts++;
    this.#observer.powerLost();
    this.#thread.post({ type: 'cut', cut: { survival: survivalOf(options), midFlush } }, (result) => {
      this.#cuts--;
      this.#measured = result.ok ? 0 : undefined;
      this.#durableSince = performance.now();
      done(result.ok ? report(result.losses, options, flush) : errorOf(result));
      if (this.#cuts === 0) this.#observer.powerBack();
    });
  }

  #image(options: PowerCutOptions, path: string, flush: number | undefined, midFlush: boolean, done: (outcome: PowerCutReport | NodeJS.ErrnoException) => void): void {
    this.#thread.post({ type: 'image', cut: { survival: survivalOf(options), midFlush }, path }, (result) => {
      done(result.ok ? report(result.losses, options, flush) : errorOf(result));
    });
  }
}

function report({ lost, survived }: Losses, { seed, image }: PowerCutOptions, flush: number | undefined): PowerCutReport {
  return { flush, lostBytes: lost, survivedBytes: survived, seed, image };
}

function survivalOf({ survivors, granularity, seed }: PowerCutOptions): Survival {
  return { survivors, granularity, seed };
}

function errorOf({ code, errno, syscall, message }: MediumResult & { ok: false }): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code, errno, syscall });
}
