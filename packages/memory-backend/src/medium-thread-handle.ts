import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { EPOLLIN, EventFd, type EventLoop } from '@vpmem/native';
import type { Compared } from './difference.ts';
import { MediumWords, type MediumJob, type MediumResult, type MediumThreadData } from './medium-messages.ts';

type Done = (result: MediumResult) => void;

/** The asker's end of a simulated medium's thread. */
export class MediumThreadHandle {
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #pending: Done[] = [];
  readonly #release: () => void;
  /** Whether node's event loop is what brings results, and has to go on until they are there. */
  readonly #onNode: boolean;

  /** Results come through `loop`, or without one through node's own event loop. */
  constructor(medium: Compared, loop: EventLoop | undefined) {
    const { port1, port2 } = new MessageChannel();
    const words = new SharedArrayBuffer(MediumWords.bytes);
    const event = loop === undefined ? undefined : new EventFd();
    this.#port = port1;
    this.#words = new Int32Array(words);
    this.#onNode = loop === undefined;
    const workerData: MediumThreadData = { medium, port: port2, words, eventFd: event?.fd };
    // Node would take the descriptors of the memory it makes for somebody else's.
    new Worker(threadUrl(), { workerData, transferList: [port2], trackUnmanagedFds: false }).unref();
    if (loop === undefined || event === undefined) {
      port1.on('message', (result: MediumResult) => this.#finished(result));
      port1.unref();
      this.#release = () => port1.close();
      return;
    }
    const watch = loop.watch(event.fd, EPOLLIN, () => {
      // A result for each signal and no more: after the last signal nobody writes to the eventfd, which may then be closed.
      for (let left = event.drain(); left > 0; left--) this.#finished(receiveMessageOnPort(port1)?.message as MediumResult);
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

  /** Whether nothing is being done, or waits to be. */
  get idle(): boolean {
    return this.#pending.length === 0;
  }

  /** Asks for a job to be done after those before; `done` is called later, never from within. Returns the job's number. */
  post(job: MediumJob, done: Done): number {
    if (this.#onNode && this.#pending.length === 0) this.#port.ref();
    this.#pending.push(done);
    this.#port.postMessage(job);
    const number = Atomics.add(this.#words, MediumWords.asked, 1) + 1;
    Atomics.notify(this.#words, MediumWords.asked);
    return number;
  }

  /** Ends the thread after the jobs that were posted; `done` is called when both files are no longer used. */
  close(done: () => void): void {
    this.post({ type: 'end' }, () => {
      this.#release();
      done();
    });
  }

  #finished(result: MediumResult): void {
    const done = this.#pending.shift();
    if (this.#onNode && this.#pending.length === 0) this.#port.unref();
    done?.(result);
  }
}

/** A worker runs the compiled file, also when this one is run from source. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../dist/medium-thread.js' : './medium-thread.js', import.meta.url);
}
