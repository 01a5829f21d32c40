import { Epoll, EPOLLIN } from './epoll.ts';
import { EventFd } from './event-fd.ts';
import { schedYield } from './libc.ts';
import { whenReadable } from './poll.ts';

/** A descriptor an {@link EventLoop} watches. */
export interface Watch {
  /** Waits for other events from now on. */
  modify(events: number): void;
  /** Stops watching; the descriptor stays open. A second call does nothing. */
  close(): void;
}

/**
 * Milliseconds that {@link EventLoop.run} looks for the next event instead of sleeping, while events come that fast. Being
 * woken takes tens of microseconds, a look about one, and a guest that waits for its disk waits for every one of them.
 */
const POLL_MAX = 1;

interface Timer {
  /** By `performance.now()`. */
  readonly due: number;
  readonly callback: () => void;
}

interface Watched {
  readonly handler: (events: number) => void;
}

/**
 * A loop of plain synchronous handlers over one {@link Epoll}. With {@link run} it has a worker thread to itself: while it
 * waits, nothing of node's own event loop happens there. With {@link pump} it shares a thread with node's loop, at the
 * price of two more thread switches a turn.
 */
export class EventLoop {
  readonly #epoll = new Epoll();
  readonly #watched = new Map<number, Watched>();
  #deferred: (() => void)[] = [];
  readonly #timers = new Set<Timer>();
  readonly #wake = new EventFd();
  #pollWindow = 0;
  #stopped = false;
  #turning = false;

  constructor() {
    this.watch(this.#wake.fd, EPOLLIN, () => this.#wake.drain());
  }

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
    // From outside a turn the loop may be waiting, and for nothing else that is going to happen.
    if (!this.#turning) this.#wake.signal();
  };

  /** Calls back once, `milliseconds` from now at the soonest; calling what it returns takes that back. Takes no descriptor. */
  after(milliseconds: number, callback: () => void): () => void {
    const timer: Timer = { due: performance.now() + milliseconds, callback };
    this.#timers.add(timer);
    if (!this.#turning) this.#wake.signal();
    return () => void this.#timers.delete(timer);
  }

  /** Serves until {@link stop}. Between events that follow each other closely it does not sleep. */
  run(): void {
    while (!this.#stopped) this.#pollOrSleep();
  }

  /** Serves until {@link stop}, between the other things this thread does. */
  async pump(): Promise<void> {
    while (!this.#stopped) {
      if (this.#deferred.length === 0) await whenReadable(this.#epoll.fd, this.#untilTimer(-1));
      else await new Promise(setImmediate);
      this.turn(0);
    }
  }

  /** Waits once, at most `timeoutMs`, and serves what is ready; returns the number of descriptors that were. */
  turn(timeoutMs: number): number {
    const deferred = this.#deferred;
    this.#deferred = [];
    this.#turning = true;
    try {
      const ready = this.#epoll.wait(deferred.length > 0 ? 0 : this.#untilTimer(timeoutMs), (fd, events) => {
        // A handler earlier in the same turn may have closed this watch.
        this.#watched.get(fd)?.handler(events);
      });
      for (const callback of deferred) callback();
      this.#expire();
      return ready;
    } finally {
      this.#turning = false;
    }
  }

  /** Makes {@link run} and {@link pump} return, for good, after the handlers of the present turn. From this thread only. */
  stop(): void {
    this.#stopped = true;
    this.#wake.signal();
  }

  /** At most `timeoutMs` (-1: without end), and not beyond what the next timer waits for. */
  #untilTimer(timeoutMs: number): number {
    if (this.#timers.size === 0) return timeoutMs;
    const next = Math.min(...[...this.#timers].map(({ due }) => due));
    const left = Math.max(0, Math.ceil(next - performance.now()));
    return timeoutMs < 0 ? left : Math.min(left, timeoutMs);
  }

  #expire(): void {
    if (this.#timers.size === 0) return;
    const now = performance.now();
    for (const timer of [...this.#timers].sort((a, b) => a.due - b.due)) {
      // One that expired earlier in this round may have taken back the next.
      if (timer.due > now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }

  /** One turn with something to do. Looking pays when sleeping would have been short, so the last wait decides on the next. */
  #pollOrSleep(): void {
    const began = performance.now();
    while (performance.now() - began < this.#pollWindow) {
      if (this.turn(0) > 0) return;
      schedYield();
    }
    this.turn(-1);
    this.#pollWindow = performance.now() - began < POLL_MAX ? POLL_MAX : 0;
  }

  close(): void {
    this.#watched.clear();
    this.#timers.clear();
    this.#wake.close();
    this.#epoll.close();
  }
}
