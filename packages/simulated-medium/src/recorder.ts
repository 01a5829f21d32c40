import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { startThread, type FileSpan } from '@vpmem/memory-backend';
import type { CutDescription, FlushStatus, PagesCause } from '@vpmem/recording';
import { RecorderState, RecorderWords, type RecorderMessage, type RecorderThreadData, type RecordingTarget } from './recorder-messages.ts';

const PURPOSE = 'a recording';

/** Bytes of pages that may wait to be written; whoever brings more waits with it. */
const MOST_WAITING = 2 ** 26;

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
  #failure: string | undefined;
  #over = false;
  readonly #counts = { flushes: 0, marks: 0 };

  private constructor(target: RecordingTarget, data: Omit<RecorderThreadData, 'port' | 'words' | 'target'>) {
    const { port1, port2 } = new MessageChannel();
    const words = new SharedArrayBuffer(RecorderWords.bytes);
    this.#target = target;
    this.#port = port1;
    this.#words = new Int32Array(words);
    this.#fileSize = new BigInt64Array(words, RecorderWords.fileSize, 1);
    const workerData: RecorderThreadData = { ...data, target, port: port2, words };
    startThread(threadUrl(), PURPOSE, { workerData, transferList: [port2], trackUnmanagedFds: false });
  }

  /**
   * Begins a recording with what `file` holds, which nobody may write to meanwhile. `wake` is notified when it fails later.
   *
   * @throws Error where it cannot be begun: then there is no file, or the one that was given is empty
   */
  static begin(target: RecordingTarget, { file, size }: { readonly file: FileSpan; readonly size: number }, wake: SharedArrayBuffer): Recorder {
    const recorder = new Recorder(target, { file, size, wake });
    Atomics.wait(recorder.#words, RecorderWords.state, RecorderState.beginning);
    const { failure } = recorder;
    if (failure === undefined) return recorder;
    recorder.#close();
    throw Object.assign(new Error(failure), { code: 'EIO' });
  }

  get path(): string {
    return this.#target.path;
  }

  /** Why nothing more gets into the recording; undefined as long as it goes on. */
  get failure(): string | undefined {
    if (this.#failure === undefined && Atomics.load(this.#words, RecorderWords.state) === RecorderState.failed) {
      this.#failure = (receiveMessageOnPort(this.#port)?.message as string | undefined) ?? 'the thread that writes it has failed';
    }
    return this.#failure;
  }

  /** What is in the recording. Bytes of the file as far as it is written. */
  get contents(): { readonly flushes: number; readonly marks: number; readonly bytes: number } {
    return { ...this.#counts, bytes: Number(Atomics.load(this.#fileSize, 0)) };
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
      this.#post({ type: 'moment-end' });
    }
  }

  flushAnswered(flush: number, status: FlushStatus, text = ''): void {
    if (status === 'ok' && this.#takes) this.#counts.flushes++;
    this.#post({ type: 'answered', flush, status, text });
  }

  /** Comes back when the mark is in the file. */
  mark(text: string): void {
    this.#post({ type: 'mark', text });
    this.#drain();
    if (this.#takes) this.#counts.marks++;
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
    for (let waiting = Atomics.load(this.#words, RecorderWords.waiting); waiting > MOST_WAITING; waiting = Atomics.load(this.#words, RecorderWords.waiting)) {
      Atomics.wait(this.#words, RecorderWords.waiting, waiting);
    }
    const run = { type: 'run', at, before: new Uint8Array(before), after: new Uint8Array(after) } as const;
    Atomics.add(this.#words, RecorderWords.waiting, before.length + after.length);
    this.#post(run, [run.before.buffer, run.after.buffer]);
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

/** A worker runs the compiled file, also when this one is run from source. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../dist/recorder-thread.js' : './recorder-thread.js', import.meta.url);
}
