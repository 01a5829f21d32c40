import { closeSync, readSync } from 'node:fs';
import { check, timerfdCreate, timerfdSettime } from './libc.ts';

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0o2000000;
const TFD_NONBLOCK = 0o4000;

/** struct itimerspec: an interval, then the first expiry, each in seconds and nanoseconds. */
const ITIMERSPEC_BYTES = 32;
const FIRST_SECONDS = 2;
const FIRST_NANOSECONDS = 3;

/** A timer that is readable once it has expired (timerfd_create(2)): for threads on which node's timers do not run. */
export class TimerFd {
  readonly fd = check(timerfdCreate(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), 'timerfd_create');

  /** Expires once, `milliseconds` from now, at the soonest at once; what was set before no longer counts. */
  set(milliseconds: number): void {
    const value = new BigInt64Array(ITIMERSPEC_BYTES / 8);
    // All zeroes would mean never.
    const nanoseconds = BigInt(Math.max(1, Math.round(milliseconds * 1e6)));
    value[FIRST_SECONDS] = nanoseconds / 1_000_000_000n;
    value[FIRST_NANOSECONDS] = nanoseconds % 1_000_000_000n;
    check(timerfdSettime(this.fd, 0, new Uint8Array(value.buffer), null), 'timerfd_settime');
  }

  /** Does not expire any more, and is no longer readable. */
  clear(): void {
    check(timerfdSettime(this.fd, 0, new Uint8Array(ITIMERSPEC_BYTES), null), 'timerfd_settime');
  }

  /** Makes it unreadable again; whether it had expired. */
  drain(): boolean {
    try {
      return readSync(this.fd, Buffer.alloc(8), 0, 8, null) === 8;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
