import { PassingFailure, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import type { EventLoop } from '@vpmem/native';
import type { MediumNotice, MediumResult, MediumTask, RecordingOrder } from './medium-messages.ts';
import { MediumThreadHandle } from './medium-thread-handle.ts';
import type { MediumStatus, RecordingState } from './medium.ts';
import { NotedWrites } from './noted-writes.ts';
import type { Exposure, PowerCutOptions, PowerCutPlan, PowerCutReport, PowerObserver } from './power-cut.ts';
import type { Losses } from './power-loss.ts';
import type { Survival } from './survival.ts';

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
  readonly #noted = new NotedWrites();
  #status: MediumStatus | undefined;
  /** The recording of its backend, if that could not be begun. */
  #unbegun: RecordingState | undefined;
  #plan: PowerCutPlan | undefined;
  #flushes = 0;
  /** The number of the last flush's job; undefined if it has none, because the power goes first. */
  #flushJob: number | undefined;
  /** Cuts that are being carried out. */
  #cuts = 0;
  /** Tasks that are being carried out, and may take their time. */
  #atWork = 0;
  /** When, by `performance.now()`: everything that was stored before is durable. */
  #durableSince = performance.now();
  #measured: number | undefined;
  /** Who waits for the count that is being taken. */
  #measuring: ((exposure: Exposure) => void)[] = [];

  /**
   * For a backend with `medium`, which must stay open until {@link close} has called back. What it has to say comes
   * through `loop`, or without one through node's own event loop.
   */
  constructor({ id, fd, offset, size, medium, tracker = 'auto', recording }: BackendDescription, observer: PowerObserver, loop?: EventLoop) {
    if (medium === undefined) throw new TypeError(`memory backend '${id}' has no medium of its own: it takes power-failure=on`);
    this.#observer = observer;
    this.#defer = loop?.defer ?? setImmediate;
    const notice = ({ status }: MediumNotice): void => this.#learn(status);
    this.#thread = new MediumThreadHandle({ memory: { fd, offset }, file: medium, size }, { tracker, loop, notice });
    if (recording === undefined) return;
    const { interval, ...target } = recording;
    this.beginRecording({ target, interval }, (error) => {
      if (error === undefined) return;
      this.#unbegun = { path: target.path, flushes: 0, marks: 0, bytes: 0, incomplete: error.message };
      this.#observer.recordingFailed?.(this.#unbegun);
    });
  }

  /** How it was doing when it was heard of last. */
  get status(): MediumStatus | undefined {
    if (this.#status === undefined || this.#unbegun === undefined) return this.#status;
    return { ...this.#status, recording: this.#status.recording ?? this.#unbegun };
  }

  get begun(): boolean {
    return this.#flushJob === undefined || this.#thread.hasBegun(this.#flushJob);
  }

  start(done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const flush = ++this.#flushes;
    const plan = this.#takePlan();
    if (plan === undefined) this.#flush(flush, done);
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
    if (this.#atWork > 0) return this.#defer(() => done(this.#exposure));
    const asked = performance.now();
    this.#measuring.push(done);
    this.#post({ type: 'measure' }, (result) => {
      this.#measured = result.ok ? result.bytes : undefined;
      if (this.#measured === 0) this.#durableSince = asked;
      for (const each of this.#measuring.splice(0)) each(this.#exposure);
    });
  }

  /** A process may map the memory from now on, or its connection has ended; undefined: nobody knows which. */
  client(change: 'came' | 'left', pid: number | undefined): void {
    this.#post({ type: 'client', change, pid }, ignore);
  }

  /** The device was reset. */
  reset(): void {
    this.#post({ type: 'reset' }, ignore);
  }

  /** Memory was written there by this process, otherwise than through a mapping. Bytes. */
  note(start: number, length: number): void {
    this.#noted.add(start, length);
  }

  /** A flush was answered with an error, and was not asked for here. */
  failed(reason: string): void {
    this.#post({ type: 'failed', flush: ++this.#flushes, reason }, ignore);
  }

  /**
   * Begins to record what becomes durable, after the flushes that were asked for. What is durable now is written by and by: until it is
   * in the file, nobody can read the recording, and its first mark and its end wait.
   */
  beginRecording(order: RecordingOrder, done: (error: NodeJS.ErrnoException | undefined) => void): void {
    this.#post({ type: 'begin-recording', order }, (result) => done(result.ok ? undefined : errorOf(result)));
  }

  /** Ends the recording, and tells what is in it. */
  endRecording(done: (outcome: RecordingState | NodeJS.ErrnoException) => void): void {
    this.#post({ type: 'end-recording' }, (result) => {
      if (!result.ok) done(errorOf(result));
      else if (result.ended !== undefined) done(result.ended);
    });
  }

  /** Puts a mark into the recording; `done` hears when it is in the file, or that nothing is being recorded. */
  mark(text: string, done: (marked: boolean | NodeJS.ErrnoException) => void): void {
    this.#post({ type: 'mark', text }, (result) => done(result.ok ? result.marked : errorOf(result)));
  }

  /** Ends its thread; `done` is called when the backend may be closed. This is no flush. */
  close(done: () => void): void {
    this.#thread.close(done);
  }

  #post(task: MediumTask, done: (result: MediumResult) => void): number {
    const noted = this.#noted.take();
    const takesTime = TAKE_TIME.has(task.type);
    if (takesTime) this.#atWork++;
    return this.#thread.post({ ...task, ...(noted !== undefined && { noted }) }, (result) => {
      if (takesTime) this.#atWork--;
      if (result.ok) this.#learn(result.status);
      done(result);
    });
  }

  #learn(status: MediumStatus): void {
    const before = this.#status?.recording?.incomplete;
    this.#status = status;
    const { recording } = status;
    if (recording?.incomplete !== undefined && before === undefined) this.#observer.recordingFailed?.(recording);
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

  #flush(flush: number, done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const asked = performance.now();
    this.#flushJob = this.#post({ type: 'flush', flush }, (result) => {
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
    if (phase === 'after-durable') this.#flush(flush, cut);
    else this.#defer(cut);
  }

  #imageAt(flush: number, { phase, options }: PowerCutPlan, path: string, done: (error: NodeJS.ErrnoException | undefined) => void): void {
    const image = (then?: () => void): void =>
      this.#image(options, path, flush, phase === 'during', (outcome) => {
        then?.();
        this.#observer.planned(outcome);
      });
    if (phase === 'after-durable') return this.#flush(flush, (error) => image(() => done(error)));
    image();
    this.#flush(flush, done);
  }

  #cut(options: PowerCutOptions, flush: number | undefined, midFlush: boolean, done: (outcome: PowerCutReport | NodeJS.ErrnoException) => void): void {
    this.#cuts++;
    this.#observer.powerLost();
    this.#post({ type: 'cut', cut: { survival: survivalOf(options), midFlush } }, (result) => {
      this.#cuts--;
      this.#measured = result.ok ? 0 : undefined;
      this.#durableSince = performance.now();
      done(result.ok ? report(result.losses, options, flush) : errorOf(result));
      if (this.#cuts === 0) this.#observer.powerBack();
    });
  }

  #image(options: PowerCutOptions, path: string, flush: number | undefined, midFlush: boolean, done: (outcome: PowerCutReport | NodeJS.ErrnoException) => void): void {
    this.#post({ type: 'image', cut: { survival: survivalOf(options), midFlush }, path }, (result) => {
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

/** Tasks that whoever just wants to know something does not wait for. */
const TAKE_TIME: ReadonlySet<MediumTask['type']> = new Set(['flush', 'cut', 'image', 'begin-recording', 'end-recording', 'end']);

const ignore = (): void => undefined;
