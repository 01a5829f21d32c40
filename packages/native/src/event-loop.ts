import { Epoll } from './epoll.ts';

/** A descriptor an {@link EventLoop} watches. */
export interface Watch {
  /** Waits for other events from now on. */
  modify(events: number): void;
  /** Stops watching; the descriptor stays open. A second call does nothing. */
  close(): void;
}

interface Watched {
  readonly handler: (events: number) => void;
}

/**
 * A blocking loop of plain synchronous handlers over one {@link Epoll}. It runs in a worker thread of its own: while it
 * waits, nothing of node's own event loop happens there.
 */
export class EventLoop {
  readonly #epoll = new Epoll();
  readonly #watched = new Map<number, Watched>();
  #deferred: (() => void)[] = [];
  #stopped = false;

  /** Calls `handler` whenever one of `events` (EPOLLIN, …), an error or a hang-up is pending on `fd`. */
  watch(fd: number, events: number, handler: (events: number) => void): Watch {
    const watched: Watched = { handler };
    this.#epoll.add(fd, events);
    this.#watched.set(fd, watched);
    return {
      modify: (wanted) => {
        if (this.#watched.get(fd) === watched) this.#epoll.modify(fd, wanted);
      },
      close: () => {
        if (this.#watched.get(fd) !== watched) return;
        this.#watched.delete(fd);
        this.#epoll.remove(fd);
      },
    };
  }

  /** Calls back once, in the next turn: after every descriptor that is ready now has been served. */
  readonly defer = (callback: () => void): void => {
    this.#deferred.push(callback);
  };

  /** Serves until {@link stop}. */
  run(): void {
    while (!this.#stopped) this.turn(-1);
  }

  /** Waits once, at most `timeoutMs`, and serves what is ready; returns the number of descriptors that were. */
  turn(timeoutMs: number): number {
    const deferred = this.#deferred;
    this.#deferred = [];
    const ready = this.#epoll.wait(deferred.length > 0 ? 0 : timeoutMs, (fd, events) => {
      // A handler earlier in the same turn may have closed this watch.
      this.#watched.get(fd)?.handler(events);
    });
    for (const callback of deferred) callback();
    return ready;
  }

  /** Makes {@link run} return, for good, after the handlers of the present turn. */
  stop(): void {
    this.#stopped = true;
  }

  close(): void {
    this.#watched.clear();
    this.#epoll.close();
  }
}
