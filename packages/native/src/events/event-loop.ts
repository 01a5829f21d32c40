import { leaveCore } from '../processes/core-change.ts';
import { Epoll, EPOLLIN } from './epoll.ts';
import { EventFd } from './event-fd.ts';
import { schedYield } from '../libc.ts';
import { PollList, type EventSource, type Polled } from './poll-list.ts';
import { whenReadable } from './poll.ts';

/** A descriptor an {@link EventLoop} watches. */
export interface Watch {
  /** Waits for other events from now on. */
  modify(events: number): void;
  /** Stops watching; the descriptor stays open. A second call does nothing. */
  close(): void;
}

/**
 * A look takes about two microseconds. One that took so many milliseconds was without a core in between: others want it. If that is the
 * first time for {@link MOVE_AGAIN} milliseconds, another core may be free, and the loop goes there. Otherwise whoever sleeps is the
 * sooner to get one when there is something to do. So the loop only sleeps for a while, in milliseconds: longer each time that happens,
 * and shorter with each look that was worth it.
 */
const CONTENDED = 0.25;
const MOVE_AGAIN = 4;
const RETREAT = { least: 1, most: 64 };

interface Timer {
  /** By `performance.now()`. */
  readonly due: number;
  readonly callback: () => void;
}

interface Watched extends EventSource {
  readonly handler: (events: number) => void;
}

/** How a descriptor is watched. */
export interface WatchOptions {
  /** For how long after its events {@link EventLoop.run} may look for what follows, in milliseconds. Default 0: it sleeps. */
  readonly pollMax?: () => number;
}

/** Before the first event. */
const NOTHING: EventSource = { pollMax: 0, short: false };

/**
 * A loop of plain synchronous handlers over one {@link Epoll}. With {@link run} it has a worker thread to itself: while it
 * waits, nothing of node's own event loop happens there. With {@link pump} it shares a thread with node's loop, at the
 * price of two more thread switches a turn.
 *
 * Being woken takes tens of microseconds, a look about two, and a guest that waits for its disk waits for every one of them. So
 * {@link run} looks for what follows an event instead of sleeping, where the wait after the last event of the same source was short.
 */
export class EventLoop {
  readonly #epoll = new Epoll();
  readonly #watched = new Map<number, Watched>();
  #deferred: (() => void)[] = [];
  readonly #timers = new Set<Timer>();
  readonly #wake = new EventFd();
  readonly #polls = new PollList();
  /** Whose event was the last. */
  #last = NOTHING;
  /** No looking before that, by `performance.now()`. */
  #retreatUntil = 0;
  /** When it went to another core last. */
  #moved = -Infinity;
  /** How long the next is, in milliseconds. */
  #retreat = RETREAT.least;
  #running = false;
  #stopped = false;
  #turning = false;

  constructor() {
    this.watch(this.#wake.fd, EPOLLIN, () => this.#wake.drain());
  }

  /** Calls `handler` whenever one of `events` (EPOLLIN, …), an error or a hang-up is pending on `fd`. */
  watch(fd: number, events: number, handler: (events: number) => void, { pollMax = never }: WatchOptions = {}): Watch {
    const watched: Watched = {
      handler,
      short: false,
      get pollMax() {
        return pollMax();
      },
    };
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

  /**
   * Something of `polled` is expected: with {@link run} it is looked at in each turn from now on, until nothing came for long or the
   * loop sleeps. To be said again whenever it is expected again. With {@link pump} nothing happens.
   */
  poll(polled: Polled): void {
    if (!this.#running) return;
    this.#last = this.#polls.add(polled, performance.now()) ?? this.#last;
  }

  /** Serves until {@link stop}. Between events that follow each other closely it does not sleep. */
  run(): void {
    this.#running = true;
    while (!this.#stopped) this.#lookOrSleep();
    this.#running = false;
    this.#polls.rest();
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
    if (deferred.length > 0) this.#deferred = [];
    this.#turning = true;
    try {
      const ready = this.#epoll.wait(deferred.length > 0 ? 0 : this.#untilTimer(timeoutMs), this.#handle);
      if (deferred !== this.#deferred) for (const callback of deferred) callback();
      this.#expire();
      return ready;
    } finally {
      this.#turning = false;
    }
  }

  readonly #handle = (fd: number, events: number): void => {
    const watched = this.#watched.get(fd);
    // A handler earlier in the same turn may have closed this watch.
    if (watched === undefined) return;
    this.#last = watched;
    watched.handler(events);
  };

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

  /** One turn with something to do. Looking pays where sleeping would have been short: where it was after the last such event. */
  #lookOrSleep(): void {
    const before = this.#last;
    const began = performance.now();
    if (before.short && began >= this.#retreatUntil && this.#look(began, before.pollMax)) {
      this.#retreat = Math.max(RETREAT.least, this.#retreat * 0.99);
      return;
    }
    if (this.#served(this.#polls.rest())) return;
    this.turn(-1);
    before.short = performance.now() - began < before.pollMax;
  }

  /** Looks for something to do for at most so long, in milliseconds; whether there was something. */
  #look(began: number, longest: number): boolean {
    for (let now = began; now - began < longest; ) {
      if (this.#served(this.#polls.look(now)) || this.turn(0) > 0) return true;
      schedYield();
      const before = now;
      now = performance.now();
      if (now - before > CONTENDED) {
        if (now - this.#moved > MOVE_AGAIN && leaveCore()) {
          this.#moved = now;
        } else {
          this.#retreatUntil = now + this.#retreat;
          this.#retreat = Math.min(RETREAT.most, this.#retreat * 2);
          return false;
        }
      }
    }
    return false;
  }

  #served(source: EventSource | undefined): boolean {
    if (source !== undefined) this.#last = source;
    return source !== undefined;
  }

  close(): void {
    this.#watched.clear();
    this.#timers.clear();
    this.#wake.close();
    this.#epoll.close();
  }
}

function never(): number {
  return 0;
}
