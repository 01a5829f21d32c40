import { closeSync } from 'node:fs';
import { acceptUnix, EPOLLIN, SystemError, type EventLoop, type Watch } from '@vpmem/native';

/** How long whoever connects waits, in milliseconds, when there was nothing to let them in with. */
const ACCEPT_AGAIN = 100;

/** Who hears of a {@link ConnectionListener}. */
export interface ConnectionSink {
  /** Somebody wants to be let in. */
  beginning(): void;
  /** Somebody has connected; the descriptor is the sink's. */
  connected(fd: number): void;
  /** Nothing is left to let anybody in with; `first`, since somebody was let in. */
  starved(error: SystemError, first: boolean): void;
}

/** Lets in who connects to a socket, if nothing speaks against it at present. Without an event connections queue up in the socket. */
export class ConnectionListener {
  readonly #loop: EventLoop;
  readonly #sink: ConnectionSink;
  /** Absent when it is closed. */
  #fd: number | undefined;
  /** Absent while it is suspended, and when it is closed. */
  #watch: Watch | undefined;
  #suspended: boolean;
  #held: boolean;
  /** The last connection could not be let in. */
  #starved = false;
  /** Takes back that it tries again. */
  #later: (() => void) | undefined;

  /** Takes over the non-blocking listening socket `fd`, if there is one. */
  constructor(fd: number | undefined, loop: EventLoop, sink: ConnectionSink, { suspended, held }: { suspended: boolean; held: boolean }) {
    this.#fd = fd;
    this.#loop = loop;
    this.#sink = sink;
    this.#suspended = suspended;
    this.#held = held;
    this.#listen();
  }

  /** Its own; undefined when it is closed. */
  get fd(): number | undefined {
    return this.#fd;
  }

  /** Whether whoever connects has to wait. */
  get held(): boolean {
    return this.#held;
  }

  set held(held: boolean) {
    this.#held = held;
    this.#listen();
  }

  /** Watches nothing until {@link proceed}, so that another process can do so. */
  suspend(): void {
    this.#suspended = true;
    this.#rest();
  }

  proceed(): void {
    this.#suspended = false;
    this.#listen();
  }

  /** A second call does nothing. */
  close(): void {
    this.#rest();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #rest(): void {
    this.#later?.();
    this.#later = undefined;
    this.#watch?.close();
    this.#watch = undefined;
  }

  #accept(listener: number): void {
    this.#sink.beginning();
    for (let fd = this.#next(listener); fd !== undefined; fd = this.#next(listener)) this.#sink.connected(fd);
  }

  #next(listener: number): number | undefined {
    try {
      const fd = acceptUnix(listener);
      if (fd !== undefined) this.#starved = false;
      return fd;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const first = !this.#starved;
      this.#starved = true;
      this.#later = this.#loop.after(ACCEPT_AGAIN, () => {
        this.#later = undefined;
        this.#listen();
      });
      this.#listen();
      this.#sink.starved(error, first);
      return undefined;
    }
  }

  #listen(): void {
    const listener = this.#fd;
    if (this.#suspended || listener === undefined) return;
    const events = this.#held || this.#later !== undefined ? 0 : EPOLLIN;
    if (this.#watch === undefined) this.#watch = this.#loop.watch(listener, events, () => this.#accept(listener));
    else this.#watch.modify(events);
  }
}
