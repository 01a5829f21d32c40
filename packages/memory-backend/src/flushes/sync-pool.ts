import type { Worker } from 'node:worker_threads';
import { EPOLLIN, EventFd, SystemError, type EventLoop } from '@vpmem/native';
import { SyncMailbox, SyncState, type SyncThreadData } from './sync-mailbox.ts';
import type { Syncer } from './syncer.ts';
import { startThread, threadProgram } from '../thread-start.ts';

/** As many syncs as this can hang before one device waits for another's disk. */
const MAX_THREADS = 64;

/** How long a thread that is not the last waits for work, in milliseconds. Each holds a few descriptors and some 4 MiB. */
const PATIENCE = 2000;

interface SyncThread {
  readonly worker: Worker;
  readonly words: Int32Array;
  job: Job | undefined;
}

interface Job {
  readonly fd: number;
  readonly done: (error: NodeJS.ErrnoException | undefined) => void;
  thread: SyncThread | undefined;
}

/**
 * Threads that sync on behalf of a thread that must not block. Completions come back through `loop`. A thread is added
 * when a sync is wanted and all are busy, so that a disk that hangs holds up only what is on it.
 */
export class SyncPool {
  readonly #event = new EventFd();
  readonly #threads: SyncThread[] = [];
  readonly #waiting: Job[] = [];
  readonly #watch: { close(): void };
  readonly #patience: number;
  readonly #defer: EventLoop['defer'];

  /** `patience`: how long a thread without work stays, in milliseconds; one always does. */
  constructor(loop: EventLoop, { patience = PATIENCE }: { readonly patience?: number } = {}) {
    this.#patience = patience;
    this.#defer = loop.defer;
    this.#watch = loop.watch(this.#event.fd, EPOLLIN, () => {
      this.#event.drain();
      this.#collect();
    });
  }

  /** Threads alive. */
  get size(): number {
    return this.#threads.length;
  }

  /** A syncer for `fd`, which has to stay open while a sync is running. */
  syncer(fd: number): Syncer {
    // A start takes longer than a sync. If the thread cannot be had now, the first sync tries again, and is told.
    if (this.#threads.length === 0) this.#addThread();
    let job: Job | undefined;
    return {
      get begun(): boolean {
        const words = job?.thread?.words;
        return words !== undefined && Atomics.load(words, SyncMailbox.state) !== SyncState.asked;
      },
      start: (done) => {
        job = { fd, done, thread: undefined };
        this.#waiting.push(job);
        this.#dispatch();
      },
    };
  }

  /** Ends the threads; a sync that is running is lost to its asker. */
  async close(): Promise<void> {
    this.#watch.close();
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
    this.#event.close();
  }

  #collect(): void {
    for (const thread of [...this.#threads]) {
      const { words, job } = thread;
      if (Atomics.load(words, SyncMailbox.state) === SyncState.ended) this.#threads.splice(this.#threads.indexOf(thread), 1);
      if (job === undefined || Atomics.load(words, SyncMailbox.state) !== SyncState.done) continue;
      const errno = Atomics.load(words, SyncMailbox.errno);
      // Without waking it: it would take the core from this thread, which has an answer to give.
      Atomics.store(words, SyncMailbox.state, SyncState.idle);
      thread.job = undefined;
      job.done(errno === 0 ? undefined : new SystemError(errno, 'fdatasync'));
    }
    this.#dispatch();
  }

  /** A thread gets work when it has started: one that cannot, for want of descriptors, is then nobody's loss. */
  #dispatch(): void {
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      if (!this.#threads.some((thread) => give(thread, job))) break;
      this.#waiting.shift();
    }
    const starting = this.#threads.filter(({ words }) => Atomics.load(words, SyncMailbox.state) === SyncState.starting).length;
    for (let wanted = this.#waiting.length - starting; wanted > 0 && this.#threads.length < MAX_THREADS; wanted--) {
      const failure = this.#addThread();
      if (failure === undefined) continue;
      // Those that are busy, or starting, take what waits when they can.
      if (this.#threads.length === 0) for (const { done } of this.#waiting.splice(0)) this.#defer(() => done(failure));
      return;
    }
  }

  /** Returns why there cannot be another. */
  #addThread(): NodeJS.ErrnoException | undefined {
    const mailbox = new SharedArrayBuffer(SyncMailbox.bytes);
    const patience = this.#threads.length === 0 ? Infinity : this.#patience;
    const workerData: SyncThreadData = { mailbox, eventFd: this.#event.fd, patience };
    try {
      const worker = startThread(threadProgram('sync-thread', import.meta.url), 'fdatasync', { workerData });
      // Without a listener this would end the program.
      worker.on('error', () => undefined);
      this.#threads.push({ worker, words: new Int32Array(mailbox), job: undefined });
      return undefined;
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
  }
}

/** Gives a thread something to do, unless it is busy, or has ended. */
function give(thread: SyncThread, job: Job): boolean {
  const { words } = thread;
  if (thread.job !== undefined) return false;
  Atomics.store(words, SyncMailbox.fd, job.fd);
  if (Atomics.compareExchange(words, SyncMailbox.state, SyncState.idle, SyncState.asked) !== SyncState.idle) return false;
  Atomics.notify(words, SyncMailbox.state);
  job.thread = thread;
  thread.job = job;
  return true;
}
