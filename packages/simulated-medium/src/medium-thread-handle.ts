import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import { checkRoom, startThread, threadProgram } from '@vpmem/memory-backend';
import { EPOLLIN, EventFd, type EventLoop } from '@vpmem/native';
import type { TrackedMemory, TrackerOptions } from '@vpmem/page-tracker';
import { MediumWords, signalMedium, type MediumJob, type MediumNotice, type MediumResult, type MediumThreadData } from './medium-messages.ts';

type Done = (result: MediumResult) => void;

const PURPOSE = 'the simulated medium';

export interface MediumThreadOptions {
  readonly tracker: TrackerOptions['want'];
  /** Results come through it; without one through node's own event loop. */
  readonly loop: EventLoop | undefined;
  /** Hears what nobody asked for. */
  readonly notice: (notice: MediumNotice) => void;
}

/** The asker's end of a simulated medium's thread. */
export class MediumThreadHandle {
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #pending: Done[] = [];
  readonly #release: () => void;
  /** Whether node's event loop is what brings results, and has to go on until they are there. */
  readonly #onNode: boolean;
  readonly #notice: (notice: MediumNotice) => void;
  readonly #worker: Worker;
  /** Settles, on node's event loop, when the thread is gone. */
  readonly #exited: Promise<void>;
  readonly #defer: (callback: () => void) => void;
  /** Why it does nothing any more. */
  #failure: (MediumResult & { ok: false }) | undefined;

  /** @throws Error where a thread cannot be started */
  constructor(medium: TrackedMemory, { tracker, loop, notice }: MediumThreadOptions) {
    checkRoom(PURPOSE);
    const { port1, port2 } = new MessageChannel();
    const words = new SharedArrayBuffer(MediumWords.bytes);
    this.#port = port1;
    this.#words = new Int32Array(words);
    this.#onNode = loop === undefined;
    this.#defer = loop?.defer ?? setImmediate;
    this.#notice = notice;
    const event = loop === undefined ? undefined : new EventFd();
    const workerData: MediumThreadData = { medium, tracker, port: port2, words, eventFd: event?.fd };
    try {
      // Node would take the descriptors of the memory it makes for somebody else's.
      this.#worker = startThread(threadProgram('medium-thread', import.meta.url), PURPOSE, { workerData, transferList: [port2], trackUnmanagedFds: false });
    } catch (error) {
      event?.close();
      port1.close();
      throw error;
    }
    this.#worker.on('error', (error: NodeJS.ErrnoException) => this.#died(error));
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    if (loop === undefined || event === undefined) {
      port1.on('message', (message: MediumResult | MediumNotice) => this.#hear(message));
      port1.unref();
      this.#release = () => port1.close();
      return;
    }
    const watch = loop.watch(event.fd, EPOLLIN, () => {
      // A message for each signal and no more: after the last signal nobody writes to the eventfd, which may then be closed.
      for (let left = event.drain(); left > 0; left--) this.#hear(receiveMessageOnPort(port1)?.message as MediumResult | MediumNotice);
    });
    this.#release = () => {
      watch.close();
      event.close();
      port1.close();
    };
  }

  /** Whether the job of that number, see {@link post}, has begun. */
  hasBegun(job: number): boolean {
    return Atomics.load(this.#words, MediumWords.begun) >= job;
  }

  /** Asks for a job to be done after those before; `done` is called later, never from within. Returns the job's number; a job that can only fail never begins. */
  post(job: MediumJob, done: Done): number {
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#defer(() => done(failure));
      return Infinity;
    }
    if (this.#onNode && this.#pending.length === 0) this.#port.ref();
    this.#pending.push(done);
    this.#port.postMessage(job);
    const number = Atomics.add(this.#words, MediumWords.asked, 1) + 1;
    signalMedium(this.#words);
    return number;
  }

  /** Ends the thread after the jobs that were posted, or with `let-go` for another that goes on; `done` is called when both files are no longer used. */
  close(done: () => void, last: 'end' | 'let-go' = 'end'): void {
    const closed = (): void => {
      this.#release();
      done();
    };
    // Its descriptors outlive its last result by a moment, and where that can be heard it is waited for.
    if (this.#onNode) this.#worker.ref();
    this.post({ type: last }, this.#onNode ? () => void this.#exited.then(closed) : closed);
    this.#failure ??= { ok: false, code: 'ESHUTDOWN', errno: 108, syscall: 'end', message: `${PURPOSE} has ended` };
  }

  /** Only heard on node's event loop, which is why {@link startThread} looks before. */
  #died({ code = 'EIO', message }: NodeJS.ErrnoException): void {
    this.#failure = { ok: false, code, errno: 5, syscall: 'clone', message: `the thread of ${PURPOSE} is gone: ${message}` };
    for (const done of this.#pending.splice(0)) done(this.#failure);
  }

  #hear(message: MediumResult | MediumNotice): void {
    if ('type' in message) return this.#notice(message);
    const done = this.#pending.shift();
    if (this.#onNode && this.#pending.length === 0) this.#port.unref();
    done?.(message);
  }
}
