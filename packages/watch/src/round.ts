import type { FlushInterval } from './flush-interval.ts';
import type { PmemInfo } from './pmem-info.ts';

/** Whether a program answers: `gone` if it has ended. */
export type DaemonState = 'running' | 'gone' | 'not answering';

/** Everything that is watched, as it was found at one time. A plain object that JSON can have, but for sizes beyond 2^53. */
export interface Round {
  /** Milliseconds since 1970: for people, as that clock may jump. */
  readonly time: number;
  /** Seconds since the watch began, by a clock that does not jump. */
  readonly elapsed: number;
  /** Those started first come first. */
  readonly daemons: readonly DaemonView[];
}

/** A program that has devices, and what is known of it. */
export interface DaemonView {
  /** `vpmemd`, `vpmem qemu` or `vpmem run`. */
  readonly program: string;
  /** What `-name` said. */
  readonly name: string | undefined;
  readonly pid: number;
  /** Path of its QMP socket. */
  readonly qmp: string;
  /** When it was started, ISO 8601. */
  readonly started: string;
  /** As it greets: `vpmemd 1.2.3`. Undefined before it has. */
  readonly version: string | undefined;
  readonly state: DaemonState;
  /** Since when `state` is what it is, in milliseconds since 1970. */
  readonly since: number;
  /** One sentence, where `state` is not `running`. */
  readonly reason: string | undefined;
  /** As it answered last; if it is not `running`, that may be long ago. */
  readonly devices: readonly DeviceView[];
  /** Those that came since the round before, in the order they came. */
  readonly events: readonly WatchedEvent[];
}

/** A device of a program, as it answered last, and what happened since it answered before. */
export interface DeviceView {
  readonly info: PmemInfo;
  /**
   * What happened between two answers. Undefined where that is not known: after the first answer, when the counters began anew
   * (device plugged anew), when there was no answer in this round, or one so late that a rate would be wrong.
   */
  readonly interval: FlushInterval | undefined;
}

/** An event of QMP. */
export interface WatchedEvent {
  /** When it came, in milliseconds since 1970. */
  readonly time: number;
  /** Such as `PMEM_FLUSH_FAILED`. */
  readonly event: string;
  /** The device's id, if it tells of one. */
  readonly device: string | undefined;
  /** As it came. */
  readonly data: unknown;
}
