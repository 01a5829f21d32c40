import { SavedObject } from '@vpmem/layout';
import { FlushThrottle, MemoryBackend, type After, type BackendDescription, type Syncer } from '@vpmem/memory-backend';
import type { EventLoop } from '@vpmem/native';
import { FlushFaults, readPowerCut, SimulatedMedium, type PowerCutOptions, type PowerCutReport, type PowerObserver, type RecordingOrder, type RecordingState } from '@vpmem/simulated-medium';
import type { BackingState } from './backing-state.ts';
import type { PowerCutOrder } from './failure-control.ts';
import type { FlushFaults as FlushFaultInfo, PowerExposure, TrackerInfo } from './memory-info.ts';
import { MarkSyncer, type PutMark } from './mark-syncer.ts';
import type { RecordingInfo } from './recording-control.ts';

export type { BackingState } from './backing-state.ts';
export type { PutMark } from './mark-syncer.ts';
export { putMark } from './put-mark.ts';

/** What a backing is made of. */
export interface BackingParts {
  readonly description: BackendDescription;
  /** What makes it durable, unless it has a simulated medium. */
  readonly syncer: () => Syncer;
  /** What is flushed is a mark, which this puts where marks go; absent: it is not. */
  readonly mark?: PutMark | undefined;
  readonly defer: (callback: () => void) => void;
  readonly after: After;
  readonly observer: PowerObserver;
  /** What a simulated medium reports through; absent: node's own event loop. */
  readonly loop?: EventLoop;
  /** Goes on from what another has saved, in this process or one before; absent: it begins. */
  readonly continues?: BackingState;
  /** Hears that {@link PmemBacking.save} has changed in what must not get lost: before a flush fails that was promised by none. */
  readonly changed?: (() => void) | undefined;
}

const NO_TRACKER: TrackerInfo = { kind: 'compare', reason: undefined };

/** What stands behind a pmem device: its memory, what makes that durable, and what can be made to go wrong with it. */
export class PmemBacking {
  readonly memory: MemoryBackend;
  readonly faults: FlushFaults;
  readonly throttle: FlushThrottle;
  readonly #medium: SimulatedMedium | undefined;
  readonly #readonly: boolean;
  readonly #changed: (() => void) | undefined;
  #cuts = 0;
  #resets = 0;
  /** Why flushes failed in the process that this one continues, until it proceeds. */
  #failure: NodeJS.ErrnoException | undefined;
  #leaves: PowerCutOptions | undefined;

  /** @throws RangeError where `continues` is not what {@link save} gives */
  constructor({ description, syncer, mark, defer, after, observer, loop, continues, changed }: BackingParts) {
    const counting: PowerObserver = {
      powerLost: () => {
        this.#cuts++;
        this.#changed?.();
        observer.powerLost();
      },
      powerBack: () => observer.powerBack(),
      planned: (outcome) => {
        this.#changed?.();
        observer.planned(outcome);
      },
      recordingFailed: (recording) => {
        this.#changed?.();
        observer.recordingFailed?.(recording);
      },
      recordingCounted: () => this.#changed?.(),
    };
    this.#readonly = description.readonly ?? false;
    this.#changed = changed;
    const saved = continues && new SavedObject(continues, `the saved state of memory backend '${description.id}'`);
    if (description.medium !== undefined && saved?.has('medium') === false) saved.object('medium');
    this.#medium = description.medium === undefined ? undefined : new SimulatedMedium(description, counting, loop, continues?.medium);
    const durable = mark === undefined ? (this.#medium ?? syncer()) : new MarkSyncer(description, mark, defer);
    this.throttle = new FlushThrottle(durable, after);
    this.faults = new FlushFaults(this.throttle, after, (reason) => this.#medium?.failed(reason));
    this.memory = new MemoryBackend(description, this.faults);
    this.memory.onWrite = (start, length) => this.#medium?.note(start, length);
    this.memory.onReset = () => {
      this.#resets++;
      this.#medium?.reset();
    };
    for (const part of [this.throttle, this.faults]) part.onChange = changed;
    this.memory.flushes.onFailureChange = changed;
    try {
      if (saved !== undefined) this.#restore(saved);
    } catch (error) {
      this.#medium?.letGo(() => undefined);
      throw error;
    }
  }

  get faultStats(): FlushFaultInfo {
    const { limit, heldBack } = this.throttle;
    return { ...this.faults.stats, ...(limit !== undefined && { limit: { ...limit, heldBack } }) };
  }

  /** Times that a driver was gone which had used the device. */
  get resets(): number {
    return this.#resets;
  }

  /** Whether anything is lost with its power. */
  get canLose(): boolean {
    return this.#medium !== undefined;
  }

  /** What the power cut that is planned, or came last, is to leave. */
  get leaves(): PowerCutOptions | undefined {
    return this.#leaves;
  }

  /** Cuts the power; `done` gets undefined where it is to happen at a flush to come. For a backend with power-failure=on. */
  cut({ options, at }: PowerCutOrder, done: (outcome: PowerCutReport | NodeJS.ErrnoException | undefined) => void): void {
    if (this.#medium === undefined) throw new TypeError(`memory backend '${this.memory.id}' has no simulated medium`);
    if (options.image === undefined) this.#leaves = options;
    if (at === undefined) return this.#medium.cut(options, done);
    this.#medium.plan({ ...at, options });
    this.#changed?.();
    done(undefined);
  }

  /** What a power cut would cost; undefined where none can be simulated. `done` may be called at once. */
  expose(done: (exposure: PowerExposure | undefined) => void): void {
    if (this.#medium === undefined) return done(undefined);
    this.#medium.measure(({ bytes, parts, oldest }) => done({ bytes, parts, oldest, cuts: this.#cuts, tracker: this.#medium?.status?.tracker ?? NO_TRACKER }));
  }

  /** What is being recorded, or was last, as far as is known. */
  get recording(): RecordingInfo | undefined {
    const recording = this.#medium?.status?.recording;
    return recording === undefined ? undefined : recordingInfo(recording);
  }

  /** A client's process may map the memory from now on, or its connection has ended; undefined: nobody knows which. */
  client(change: 'came' | 'left', pid: number | undefined): void {
    this.#medium?.client(change, pid);
    if (this.#medium !== undefined) this.#changed?.();
  }

  /** Begins to record what becomes durable. For a backend with power-failure=on. */
  beginRecording(order: RecordingOrder, done: (error: NodeJS.ErrnoException | undefined) => void): void {
    if (this.#medium === undefined) throw new TypeError(`memory backend '${this.memory.id}' has no simulated medium`);
    this.#medium.beginRecording(order, done);
    this.#changed?.();
  }

  /** Ends the recording, and tells what is in it. The same. */
  endRecording(done: (outcome: RecordingInfo | NodeJS.ErrnoException) => void): void {
    if (this.#medium === undefined) throw new TypeError(`memory backend '${this.memory.id}' has no simulated medium`);
    this.#medium.endRecording((outcome) => {
      this.#changed?.();
      done(outcome instanceof Error ? outcome : recordingInfo(outcome));
    });
  }

  /** Puts a mark into the recording; `done` hears whether there is one. It may be called at once. */
  mark(text: string, done: (marked: boolean | NodeJS.ErrnoException) => void): void {
    if (this.#medium === undefined) done(false);
    else this.#medium.mark(text, done);
  }

  /** Makes everything written so far durable, if that can be, whatever was planned to go wrong; `done` is called after. */
  settle(done: () => void): void {
    this.faults.plan(undefined);
    this.throttle.limitTo(undefined);
    this.#medium?.plan(undefined);
    // Of memory with readonly=on nobody expects it.
    if (this.#readonly) return done();
    this.memory.flushes.request(() => done());
    this.memory.flushes.start();
  }

  /**
   * Comes to rest, so that another may go on from here: flushes that were asked for are carried out and answered, and nothing is held
   * back; what should have waited is owed. `done` is called then, maybe at once, with why it cannot be handed on now: a recording whose
   * base is not written yet. Who asks for flushes has to stop by itself. Backings that take marks come before those that record, and
   * whatever a monitor changes afterwards undoes it.
   */
  hold(done: (obstacle?: string) => void): void {
    this.throttle.hurry(true);
    this.faults.hurry(true);
    this.memory.flushes.whenIdle(() => {
      if (this.#medium === undefined) done();
      else this.#medium.hold(done);
    });
  }

  /**
   * As it is now, at any time: whoever waits for a flush is not in it. After {@link hold} another goes on from it as if it had always
   * been there. From any other moment it goes on as after a death: what was not flushed is found by comparing, and a recording ends.
   */
  save(): BackingState {
    return {
      flushes: this.memory.flushes.save(),
      faults: this.faults.save(),
      throttle: this.throttle.save(),
      cuts: this.#cuts,
      resets: this.#resets,
      ...(this.#leaves !== undefined && { leaves: this.#leaves }),
      ...(this.#medium !== undefined && { medium: this.#medium.save() }),
    };
  }

  /** Goes on after {@link hold}, also if another has gone on from what was saved, and is gone. */
  proceed(): void {
    // Its device was plugged into this process meanwhile, which makes a device whole for its driver, but not for one that goes on.
    if (this.#failure !== undefined) this.memory.flushes.stayFailed(this.#failure);
    this.#failure = undefined;
    this.throttle.hurry(false);
    this.faults.hurry(false);
    this.#medium?.proceed();
  }

  /** Another has gone on, after {@link hold}: lets go of what it has without a flush. `done` is called, maybe at once, when the backend's descriptors may be closed. */
  letGo(done: () => void): void {
    if (this.#medium === undefined) done();
    else this.#medium.letGo(done);
  }

  /** `done` is called when the backend may be closed; no flush may be running. */
  close(done: () => void): void {
    if (this.#medium === undefined) done();
    else this.#medium.close(done);
  }

  #restore(saved: SavedObject): void {
    this.memory.flushes.restore(saved.object('flushes'));
    this.#failure = this.memory.flushes.failure;
    this.faults.restore(saved.object('faults'));
    this.throttle.restore(saved.object('throttle'));
    this.#cuts = saved.number('cuts');
    this.#resets = saved.optional('resets', (name) => saved.number(name)) ?? 0;
    this.#leaves = saved.optional('leaves', (name) => readPowerCut(saved.object(name)));
  }
}

function recordingInfo({ path, ...contents }: RecordingState): RecordingInfo {
  return { file: path, ...contents };
}
