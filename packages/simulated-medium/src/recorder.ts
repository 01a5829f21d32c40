import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { startThread, threadProgram } from '@vpmem/memory-backend';
import type { FileSpan } from '@vpmem/native';
import type { CutDescription, FlushStatus, PagesCause, WriterState } from '@vpmem/recording';
import type { HeldMedium, RecordingToContinue } from './medium-messages.ts';
import { RecorderState, RecorderWords, type RecorderMessage, type RecorderReply, type RecorderThreadData, type RecordingTarget } from './recorder-messages.ts';

const PURPOSE = 'a recording';

/** How long its thread may take to make the file, in milliseconds: one that could not start never says so. */
const START_LIMIT = 60_000;

/** Bytes of pages that may wait to be written; whoever brings more waits with it. */
const MOST_WAITING = 2 ** 26;

/** Bytes of pages that are posted together, of each kind: a message for each page costs more than the page. */
const GATHERED = 2 ** 20;

/** What is said of a recording whose writer has died. */
const DIED = 'gap: the process that recorded has died';

/** Adds pages to a moment: where they are, what was recorded of them last, what they hold now. Copied. */
export type AddRun = (at: number, before: Uint8Array, after: Uint8Array) => void;

/**
 * The asker's end of a recorder's thread. All of it is synchronous, for a thread that may wait; it waits where the writer cannot keep
 * up. What happens after a failure is dropped.
 */
export class Recorder {
  readonly #target: RecordingTarget;
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #fileSize: BigInt64Array;
  #posted = 0;
  /** Pages that are to be posted: as they were, as they are, and where. */
  readonly #before = new Uint8Array(GATHERED);
  readonly #after = new Uint8Array(GATHERED);
  #places: [at: number, length: number][] = [];
  #gathered = 0;
  #failure: string | undefined;
  #over = false;
  readonly #counts = { flushes: 0, marks: 0 };
  /** How far the writer has come, as it has told. */
  #writer: WriterState | undefined;

  private constructor(target: RecordingTarget, data: Omit<RecorderThreadData, 'port' | 'words' | 'target'>) {
    const { port1, port2 } = new MessageChannel();
    const words = new SharedArrayBuffer(RecorderWords.bytes);
    this.#target = target;
    this.#port = port1;
    this.#words = new Int32Array(words);
    this.#fileSize = new BigInt64Array(words, RecorderWords.fileSize, 1);
    const workerData: RecorderThreadData = { ...data, target, port: port2, words };
    startThread(threadProgram('recorder-thread', import.meta.url), PURPOSE, { workerData, transferList: [port2], trackUnmanagedFds: false });
  }

  /**
   * Begins a recording with what `file` holds now. Reading that goes on after this: whoever writes there adds first, in a moment, what
   * the pages held. `wake` is notified when it fails later.
   *
   * @throws Error where its file cannot be made or written: then there is none, or the one that was given is empty
   */
  static begin(target: RecordingTarget, { file, size }: { readonly file: FileSpan; readonly size: number }, wake: SharedArrayBuffer): Recorder {
    const recorder = new Recorder(target, { file, size, wake });
    const waited = Atomics.wait(recorder.#words, RecorderWords.state, RecorderState.beginning, START_LIMIT);
    const failure = waited === 'timed-out' ? 'the thread that would write it did not start' : recorder.failure;
    if (failure === undefined) return recorder;
    recorder.#close();
    throw Object.assign(new Error(failure), { code: 'EIO' });
  }

  /**
   * Goes on with a recording from where another has left it; where that has died, ends it. It does not wait to see whether that can be
   * done: if not, it has failed.
   */
  static continue({ target, saved }: RecordingToContinue, { file, size }: { readonly file: FileSpan; readonly size: number }, wake: SharedArrayBuffer): Recorder {
    const { writer, flushes, marks, bytes } = saved;
    const recorder = new Recorder(target, { file, size, wake, goesOn: writer === undefined ? { interrupted: DIED } : { writer } });
    Object.assign(recorder.#counts, { flushes, marks });
    Atomics.store(recorder.#fileSize, 0, BigInt(bytes));
    // What is durable stands in it.
    Atomics.store(recorder.#words, RecorderWords.based, 1);
    if (writer === undefined) recorder.#failure = DIED;
    return recorder;
  }

  get path(): string {
    return this.#target.path;
  }

  /** Why nothing more gets into the recording; undefined as long as it goes on. */
  get failure(): string | undefined {
    if (!this.#over && Atomics.load(this.#words, RecorderWords.state) === RecorderState.failed) {
      this.#hear();
      this.#failure ??= 'the thread that writes it has failed';
    }
    return this.#failure;
  }

  /** What is in the recording. Bytes of the file as far as it is written. */
  get contents(): { readonly flushes: number; readonly marks: number; readonly bytes: number } {
    return { ...this.#counts, bytes: Number(Atomics.load(this.#fileSize, 0)) };
  }

  /** Bytes of pages that its thread has not begun with: as they were, and as they are. */
  get waiting(): number {
    return Atomics.load(this.#words, RecorderWords.waiting);
  }

  /** Comes back when all is in the file, so that another can go on with it, and says how far it is. */
  hold(): HeldMedium['recording'] & { readonly obstacle?: string } {
    if (this.#takes && Atomics.load(this.#words, RecorderWords.based) === 0) return { ...this.contents, obstacle: `the recording '${this.path}' is still being begun: what is durable is not all in it yet` };
    this.#post({ type: 'hold' });
    this.#drain();
    this.#hear();
    const failure = this.failure;
    return { ...this.contents, ...(failure === undefined ? this.#writer !== undefined && { writer: this.#writer } : { incomplete: failure }) };
  }

  /** Goes on after {@link hold}, if nobody else has. */
  proceed(): void {
    this.#post({ type: 'proceed' });
    this.#drain();
  }

  /** Another goes on with it; comes back when the file is closed. */
  letGo(): void {
    this.#finish({ type: 'let-go' });
  }

  flushAsked(flush: number): void {
    this.#post({ type: 'asked', flush });
  }

  /** What pages hold at this moment: `visit`, which is always called, adds them in the order of addresses. */
  moment(cause: PagesCause, visit: (add: AddRun) => void): void {
    if (!this.#takes) return visit(() => undefined);
    this.#post({ type: 'moment', cause });
    try {
      visit((at, before, after) => this.#addRun(at, before, after));
    } finally {
      this.#postRuns();
      this.#post({ type: 'moment-end' });
    }
  }

  flushAnswered(flush: number, status: FlushStatus, text = ''): void {
    if (status === 'ok' && this.#takes) this.#counts.flushes++;
    this.#post({ type: 'answered', flush, status, text });
  }

  /** Comes back when the mark is in the file. False: it is not. */
  mark(text: string): boolean {
    this.#post({ type: 'mark', text });
    this.#drain();
    const marked = this.#takes;
    if (marked) this.#counts.marks++;
    return marked;
  }

  client(change: 'came' | 'left', text: string): void {
    this.#post({ type: 'client', change, text });
  }

  reset(): void {
    this.#post({ type: 'reset' });
  }

  cut(cut: CutDescription): void {
    this.#post({ type: 'cut', cut });
  }

  /** Ends the recording, which is whole, and comes back when it is. */
  end(): void {
    this.#finish({ type: 'end' });
  }

  /** Ends the recording, though more happens. */
  giveUp(reason: string): void {
    this.#finish({ type: 'incomplete', reason });
    this.#failure ??= reason;
  }

  get #takes(): boolean {
    return !this.#over && this.failure === undefined;
  }

  #addRun(at: number, before: Uint8Array, after: Uint8Array): void {
    for (let done = 0; done < after.length; ) {
      if (this.#gathered === GATHERED) this.#postRuns();
      const length = Math.min(after.length - done, GATHERED - this.#gathered);
      this.#before.set(before.subarray(done, done + length), this.#gathered);
      this.#after.set(after.subarray(done, done + length), this.#gathered);
      this.#places.push([at + done, length]);
      this.#gathered += length;
      done += length;
    }
    // What is not in the base yet has to be on its way before it is overwritten.
    if (Atomics.load(this.#words, RecorderWords.based) === 0) this.#postRuns();
  }

  #postRuns(): void {
    if (this.#gathered === 0) return;
    for (let waiting = Atomics.load(this.#words, RecorderWords.waiting); waiting > MOST_WAITING; waiting = Atomics.load(this.#words, RecorderWords.waiting)) {
      Atomics.wait(this.#words, RecorderWords.waiting, waiting);
    }
    const [before, after] = [this.#before.slice(0, this.#gathered), this.#after.slice(0, this.#gathered)];
    Atomics.add(this.#words, RecorderWords.waiting, before.length + after.length);
    this.#post({ type: 'runs', places: this.#places, before, after }, [before.buffer, after.buffer]);
    this.#places = [];
    this.#gathered = 0;
  }

  #post(message: RecorderMessage, transfer: ArrayBuffer[] = []): void {
    if (this.#over) return;
    this.#port.postMessage(message, transfer);
    this.#posted++;
    Atomics.store(this.#words, RecorderWords.posted, this.#posted);
    Atomics.notify(this.#words, RecorderWords.posted);
  }

  /** Waits until all that was posted is carried out. */
  #drain(): void {
    if (this.#over) return;
    for (let done = Atomics.load(this.#words, RecorderWords.done); done !== this.#posted; done = Atomics.load(this.#words, RecorderWords.done)) {
      Atomics.wait(this.#words, RecorderWords.done, done);
    }
  }

  #hear(): void {
    for (;;) {
      const reply = receiveMessageOnPort(this.#port)?.message as RecorderReply | undefined;
      if (reply === undefined) return;
      if (reply.type === 'held') this.#writer = reply.writer;
      else this.#failure = reply.reason;
      if (reply.type === 'interrupted') Object.assign(this.#counts, { flushes: reply.flushes, marks: reply.marks });
    }
  }

  #finish(last: RecorderMessage): void {
    if (this.#over) return;
    this.#post(last);
    this.#drain();
    this.#close();
  }

  #close(): void {
    // What it said last is heard before.
    this.#failure = this.failure;
    this.#over = true;
    this.#port.close();
  }
}
