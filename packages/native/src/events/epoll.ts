import { closeSync } from 'node:fs';
import { check, epollCreate1, epollCtl, epollWait, errno } from '../libc.ts';
import { Mapping } from '../memory/mapping.ts';
import { SystemError } from '../system-error.ts';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EINTR = 4;

/** What to wait for, and what happened; see epoll_ctl(2). Errors and hang-ups are always reported. */
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
/** Report what has changed since the last report, not what is. */
export const EPOLLET = 0x8000_0000;

const MAX_EVENTS = 64;
// struct epoll_event is packed on x86-64 only.
const EVENT_SIZE = process.arch === 'x64' ? 12 : 16;
const DATA_OFFSET = process.arch === 'x64' ? 4 : 8;

/** epoll(7): one wait for many descriptors. Belongs to the thread that made it. */
export class Epoll {
  readonly #fd = check(epollCreate1(EPOLL_CLOEXEC), 'epoll_create1');
  readonly #arena = Mapping.anonymous((MAX_EVENTS + 1) * EVENT_SIZE);
  readonly #view = new DataView(this.#arena.window(0, this.#arena.length));
  // The last slot is for epoll_ctl, the others for epoll_wait.
  readonly #controlAt = MAX_EVENTS * EVENT_SIZE;

  /** The epoll descriptor itself: readable when a watched one is ready. */
  get fd(): number {
    return this.#fd;
  }

  add(fd: number, events: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events);
  }

  modify(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /** Waits at most `timeoutMs` (-1: without end) and calls `ready` for each descriptor with something to do; returns how many. */
  wait(timeoutMs: number, ready: (fd: number, events: number) => void): number {
    const count = epollWait(this.#fd, this.#arena.address, MAX_EVENTS, timeoutMs);
    if (count === -1) {
      if (errno() === EINTR) return 0;
      throw new SystemError(errno(), 'epoll_wait');
    }
    for (let i = 0; i < count; i++) {
      const at = i * EVENT_SIZE;
      ready(this.#view.getInt32(at + DATA_OFFSET, true), this.#view.getUint32(at, true));
    }
    return count;
  }

  close(): void {
    closeSync(this.#fd);
    this.#arena.unmap();
  }

  #control(op: number, fd: number, events: number): void {
    this.#view.setUint32(this.#controlAt, events, true);
    this.#view.setInt32(this.#controlAt + DATA_OFFSET, fd, true);
    this.#view.setInt32(this.#controlAt + DATA_OFFSET + 4, 0, true);
    check(epollCtl(this.#fd, op, fd, this.#arena.address + BigInt(this.#controlAt)), 'epoll_ctl', `descriptor ${fd}`);
  }
}
