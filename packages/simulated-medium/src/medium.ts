import { fdatasyncSync } from 'node:fs';
import { writeSpan } from '@vpmem/native';
import { countDifferences, forEachDifference, openTracker, PAGE_SIZE, PageSet, type DifferingPages, type PageRun, type PageTracker, type TrackedMemory, type TrackerOptions } from '@vpmem/page-tracker';
import { cutPower, makeImage, type Cut, type Losses } from './power-loss.ts';
import type { HeldMedium, RecordingToContinue } from './medium-messages.ts';
import { MediumRecording, type RecordPages } from './medium-recording.ts';
import type { MediumClient } from './medium-state.ts';
import type { MediumStatus, RecordingState } from './medium-status.ts';
import type { NotedWrite } from './noted-writes.ts';
import { RangeParts } from './range-parts.ts';
import { volatileChanges } from './recorded-file.ts';
import { Recorder } from './recorder.ts';
import type { RecordingTarget } from './recorder-messages.ts';

/** A simulated medium as its thread has it: memory, the file, what tells them apart, and what is recorded of it. All of it may wait. */
export class Medium {
  readonly #medium: TrackedMemory;
  readonly #wake: SharedArrayBuffer;
  readonly #tracker: PageTracker;
  /** Pages that were written since the last flush that succeeded. */
  readonly #dirty: PageSet;
  #recording: MediumRecording | undefined;
  /** Of the recording: milliseconds between looks at what is volatile, and when the next is due by `performance.now()`. */
  #interval = Infinity;
  #due = Infinity;
  /** A recording of another that goes no further, until it is ended. */
  #lost: (RecordingState & { readonly incomplete: string }) | undefined;
  #held = false;

  /** `wake` is notified when something is to be told that nobody asked for: see {@link status}. */
  constructor(medium: TrackedMemory, want: TrackerOptions['want'], wake: SharedArrayBuffer) {
    this.#medium = medium;
    this.#wake = wake;
    this.#tracker = openTracker(medium, { want });
    this.#dirty = new PageSet(medium.size);
  }

  get status(): MediumStatus {
    const { kind, reason } = this.#tracker;
    return { tracker: { kind, reason }, recording: this.#recordingState };
  }

  /** Milliseconds until {@link tick} is due. */
  get untilTick(): number {
    return this.#held ? Infinity : Math.max(0, this.#due - performance.now());
  }

  /** Goes on where another has stopped: everything that differs from the file may have been written, by any of `clients`. */
  continue(clients: readonly MediumClient[], recording: RecordingToContinue | undefined): void {
    for (const { pid, connections, descriptor } of clients) {
      for (let i = 0; i < Math.max(1, connections); i++) this.#tracker.clientCame(pid, descriptor);
      if (connections === 0) this.#tracker.clientLeft(pid);
    }
    if (recording !== undefined) this.#continueRecording(recording);
  }

  /** Does nothing of its own accord any more, so that another can go on. */
  hold(): HeldMedium {
    const held = this.#recording?.recorder.hold();
    if (held?.obstacle !== undefined) return { obstacle: held.obstacle, descriptors: new Map(), recording: undefined };
    this.#held = true;
    return { descriptors: this.#tracker.descriptors, recording: held ?? this.#lost };
  }

  /** Goes on after {@link hold}; another may have, and be gone. */
  proceed(): void {
    this.#held = false;
    this.#tracker.distrust();
    this.#recording?.recorder.proceed();
  }

  /** Another goes on. Nothing comes any more. */
  letGo(): void {
    this.#recording?.recorder.letGo();
    this.#tracker.letGo();
  }

  /** Makes what memory holds durable; `flush` counts them. Returns how many pages' bytes that took. */
  flush(flush: number): number {
    const dirty = this.#dirtyAt(flush);
    let written = 0;
    const work = (record?: RecordPages): void => {
      forEachDifference(
        this.#medium,
        (pages) => {
          record?.(pages);
          writeSpan(this.#medium.file, pages.at, pages.held);
          written += pages.held.length;
        },
        { within: dirty },
      );
      fdatasyncSync(this.#medium.file.fd);
    };
    if (this.#recording === undefined) work();
    else this.#recording.flush(flush, dirty, work);
    this.#tracker.settled();
    this.#dirty.clear();
    return written;
  }

  /** A flush that never got here has failed. */
  failed(flush: number, reason: string): void {
    this.#recording?.failed(flush, reason);
  }

  /** How many bytes of memory are not durable, and in which parts of the range they are. */
  measure(): { readonly bytes: number; readonly parts: readonly number[] } {
    let bytes = 0;
    const parts = new RangeParts(this.#medium.size);
    const count = (pages: DifferingPages): void => {
      bytes += countDifferences(pages);
      parts.add(pages.at, pages.held.length);
    };
    forEachDifference(this.#medium, count, { within: this.#collect() });
    return { bytes, parts: parts.numbers };
  }

  /** The power goes: the file gets what survives, and memory begins anew with what the file then holds. */
  cut(cut: Cut): Losses {
    let losses: Losses = { lost: 0, survived: 0 };
    const work = (record?: RecordPages): void => {
      losses = cutPower(this.#medium, cut, record);
    };
    if (this.#recording === undefined) work();
    else this.#recording.cut(() => ({ lostBytes: losses.lost, survivedBytes: losses.survived, ...cut.survival }), work);
    this.#tracker.reset();
    this.#dirty.clear();
    return losses;
  }

  /** Makes the file that a power cut would leave now; there must be none at `path`. */
  image(cut: Cut, path: string): Losses {
    return makeImage(this.#medium, cut, path);
  }

  note(writes: readonly NotedWrite[]): void {
    for (const [start, length] of writes) this.#tracker.note(start, length);
  }

  /** A process may map the memory from now on, or its connection has ended. */
  client(change: 'came' | 'left', pid: number | undefined): void {
    if (change === 'came') this.#tracker.clientCame(pid);
    else this.#tracker.clientLeft(pid);
    this.#recording?.recorder.client(change, pid === undefined ? '' : `process ${pid}`);
  }

  /** The device was reset. */
  reset(): void {
    this.#recording?.recorder.reset();
  }

  /** Begins a recording; looks at what is volatile every `interval` milliseconds, or only at marks. @throws Error */
  beginRecording(target: RecordingTarget, interval: number | undefined): void {
    if (this.#recording !== undefined) {
      const { failure, path } = this.#recording.recorder;
      if (failure === undefined) throw Object.assign(new Error(`it is being recorded already, into '${path}'`), { code: 'EALREADY' });
      // One that has failed has a thread still.
      this.endRecording();
    }
    this.#lost = undefined;
    const dirty = this.#collect();
    const recording = new MediumRecording(Recorder.begin(target, this.#medium, this.#wake), this.#medium);
    // What is not durable as it begins was written before.
    recording.written(dirty);
    this.#recording = recording;
    this.#interval = interval ?? Infinity;
    this.#due = performance.now() + this.#interval;
  }

  /** Ends the recording, which is whole then. @throws Error where there is none */
  endRecording(): RecordingState {
    const lost = this.#lost;
    this.#lost = undefined;
    if (this.#recording === undefined && lost !== undefined) return lost;
    if (this.#recording === undefined) throw Object.assign(new Error('nothing is being recorded'), { code: 'ENOENT' });
    const { recorder } = this.#recording;
    recorder.end();
    this.#recording = undefined;
    this.#due = Infinity;
    return stateOf(recorder);
  }

  /** Puts a mark into the recording, after what is volatile now; comes back when it is in the file. False: nothing is recorded. */
  mark(text: string): boolean {
    if (!this.#records()) return false;
    this.#look('mark');
    return this.#recording?.recorder.mark(text) ?? false;
  }

  /** Looks at what is volatile, if it is time. */
  tick(): void {
    if (this.#held || performance.now() < this.#due) return;
    this.#due = performance.now() + this.#interval;
    try {
      if (this.#records()) this.#look('tick');
      else this.#due = Infinity;
    } catch {
      // Nobody asked for it. The recording says why it ends here, or the next look has those pages too.
    }
  }

  /** Nothing comes any more. */
  close(): void {
    if (this.#recording !== undefined) this.endRecording();
    this.#tracker.close();
  }

  get #recordingState(): RecordingState | undefined {
    return this.#recording === undefined ? this.#lost : stateOf(this.#recording.recorder);
  }

  #continueRecording(order: RecordingToContinue): void {
    const { target, saved } = order;
    const { path, flushes, marks, bytes, incomplete, writer, interval } = saved;
    if (incomplete !== undefined) {
      this.#lost = { path, flushes, marks, bytes, incomplete };
      return;
    }
    try {
      const changes = writer?.volatile && volatileChanges(target, writer.volatile, writer, this.#medium.size);
      const recording = new MediumRecording(Recorder.continue(order, this.#medium, this.#wake), this.#medium);
      this.#recording = recording;
      if (changes !== undefined) {
        recording.volatile(changes);
        for (const page of changes.keys()) this.#dirty.add(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
        recording.written(this.#dirty.runs());
      }
    } catch (error) {
      // It stays as it is, and flushes go on without it.
      this.#lost = { path, flushes, marks, bytes, incomplete: (error as Error).message };
      return;
    }
    this.#interval = interval ?? Infinity;
    this.#due = performance.now() + this.#interval;
  }

  /** Whether what happens gets into a recording. */
  #records(): boolean {
    return this.#recording !== undefined && this.#recording.recorder.failure === undefined;
  }

  /** What a flush has to make durable. */
  #dirtyAt(flush: number): readonly PageRun[] {
    try {
      return this.#collect();
    } catch (error) {
      this.#recording?.failed(flush, (error as Error).message);
      throw error;
    }
  }

  #look(cause: 'mark' | 'tick'): void {
    this.#collect();
    this.#recording?.look(cause);
  }

  /** Asks which pages were written, and returns all since the last flush. */
  #collect(): readonly PageRun[] {
    const written = this.#tracker.written();
    this.#dirty.addAll(written);
    this.#recording?.written(written);
    return this.#dirty.runs();
  }
}

function stateOf({ path, contents, failure, waiting }: Recorder): RecordingState {
  return { path, ...contents, incomplete: failure, waiting };
}
