import { PassingFailure, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import type { EventLoop } from '@vpmem/native';
import { MediumClients } from './medium-clients.ts';
import { CHANGE_NOTHING, errorOf, TAKE_TIME, type HeldMedium, type MediumNotice, type MediumResult, type MediumTask, type RecordingOrder } from './medium-messages.ts';
import { readMediumState, type MediumState } from './medium-state.ts';
import { MediumThreadHandle } from './medium-thread-handle.ts';
import type { MediumStatus, RecordingState } from './medium-status.ts';
import { NotedWrites } from './noted-writes.ts';
import { report, survivalOf, type Exposure, type PowerCutOptions, type PowerCutPlan, type PowerCutReport, type PowerObserver } from './power-cut.ts';
import { RecordingWatch } from './recording-watch.ts';

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
  readonly #recording: RecordingWatch;
  readonly #clients: MediumClients;
  /** What its thread has said as it was held; undefined: since then it was given something to do. */
  #held: HeldMedium | undefined;
  /** Counts tasks after which what was said does not hold any more. */
  #changes = 0;
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
  #measured: { readonly bytes?: number; readonly parts?: readonly number[] } = {};
  /** Who waits for the count that is being taken. */
  #measuring: ((exposure: Exposure) => void)[] = [];

  /**
   * For a backend with `medium`, which must stay open until {@link close} has called back. What it has to say comes
   * through `loop`, or without one through node's own event loop. With `continues` it goes on where another has stopped, whose
   * memory, file and recording the description has: then it begins no recording.
   *
   * @throws RangeError where `continues` is not what {@link save} gives
   */
  constructor(description: BackendDescription, observer: PowerObserver, loop?: EventLoop, continues?: MediumState) {
    const { id, fd, offset, size, medium, tracker = 'auto', recording } = description;
    if (medium === undefined) throw new TypeError(`memory backend '${id}' has no medium of its own: it takes power-failure=on`);
    const state = continues === undefined ? undefined : readMediumState(continues, id);
    this.#observer = observer;
    this.#recording = new RecordingWatch((lost) => observer.recordingFailed?.(lost), state?.recording, () => observer.recordingCounted?.());
    this.#clients = new MediumClients(state?.clients);
    this.#defer = loop?.defer ?? setImmediate;
    const notice = ({ status }: MediumNotice): void => this.#learn(status);
    this.#thread = new MediumThreadHandle({ memory: { fd, offset }, file: medium, size }, { tracker, loop, notice });
    if (state !== undefined) this.#continue(state, recording?.fd);
    else if (recording !== undefined) {
      const { interval, ...target } = recording;
      this.beginRecording({ target, interval }, (error) => {
        if (error !== undefined) this.#recording.lacks(target.path, error.message);
      });
    }
  }

  /**
   * Comes to rest, so that another may go on: what was asked for is carried out, nothing is recorded of its own accord. `done` hears
   * why that cannot be now, or undefined. A mark or anything else that changes something, afterwards, undoes it.
   */
  hold(done: (obstacle: string | undefined) => void): void {
    const changes = this.#changes;
    this.#post({ type: 'hold' }, (result) => {
      this.#held = result.ok && result.held?.obstacle === undefined && this.#changes === changes ? result.held : undefined;
      done(result.ok ? result.held?.obstacle : result.message);
    });
  }

  /**
   * After {@link hold} all that another needs to go on without a gap. At any other time, what one needs that comes after a death: it
   * finds what was not flushed by comparing, and ends the recording.
   */
  save(): MediumState {
    const held = this.#held;
    const recording = this.#recording.save(held);
    return {
      flushes: this.#flushes,
      exposed: Math.max(0, performance.now() - this.#durableSince),
      clients: this.#clients.list(held?.descriptors ?? new Map()),
      ...(this.#plan !== undefined && { plan: this.#plan }),
      ...(recording !== undefined && { recording }),
    };
  }

  /** Goes on after {@link hold}, also if another has gone on in between, and is gone. */
  proceed(): void {
    this.#post({ type: 'proceed' }, ignore);
  }

  /** Another has gone on: ends its thread, and leaves memory, file, recording and clients as they are. `done` is called when the backend may be closed. */
  letGo(done: () => void): void {
    this.#thread.close(done, 'let-go');
  }

  /** How it was doing when it was heard of last. */
  get status(): MediumStatus | undefined {
    const { unbegun } = this.#recording;
    if (this.#status === undefined || unbegun === undefined) return this.#status;
    return { ...this.#status, recording: this.#status.recording ?? unbegun };
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
      this.#measured = result.ok ? result : {};
      if (this.#measured.bytes === 0) this.#durableSince = asked;
      for (const each of this.#measuring.splice(0)) each(this.#exposure);
    });
  }

  /** A process may map the memory from now on, or its connection has ended; undefined: nobody knows which. */
  client(change: 'came' | 'left', pid: number | undefined): void {
    this.#clients.change(change, pid);
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
    const cannot = this.#recording.begins(order);
    this.#post({ type: 'begin-recording', order }, (result) => {
      if (!result.ok) cannot();
      done(result.ok ? undefined : errorOf(result));
    });
  }

  /** Ends the recording, and tells what is in it. */
  endRecording(done: (outcome: RecordingState | NodeJS.ErrnoException) => void): void {
    this.#post({ type: 'end-recording' }, (result) => {
      if (!result.ok) done(errorOf(result));
      else if (result.ended !== undefined) {
        this.#recording.ended();
        done(result.ended);
      }
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
    if (!CHANGE_NOTHING.has(task.type)) {
      this.#changes++;
      this.#held = undefined;
    }
    return this.#thread.post({ ...task, ...(noted !== undefined && { noted }) }, (result) => {
      if (takesTime) this.#atWork--;
      if (result.ok) this.#learn(result.status);
      done(result);
    });
  }

  #learn(status: MediumStatus): void {
    this.#status = status;
    this.#recording.learn(status);
  }

  #continue({ flushes, exposed, plan, clients, recording: saved }: MediumState, fd: number | undefined): void {
    this.#flushes = flushes;
    this.#durableSince -= exposed;
    this.#plan = plan;
    const target = saved && { path: saved.path, ...(saved.given && fd !== undefined && { fd }) };
    this.#post({ type: 'continue', clients, recording: saved && target && { saved, target } }, ignore);
  }

  get #exposure(): Exposure {
    const { bytes, parts } = this.#measured;
    return { bytes, parts: bytes === 0 ? undefined : parts, oldest: bytes === 0 ? undefined : Math.ceil(performance.now() - this.#durableSince) };
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
      this.#measured = {};
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
      if (result.ok) this.#clients.memoryChanged();
      this.#measured = result.ok ? { bytes: 0 } : {};
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

const ignore = (): void => undefined;
