// What the server tells the page, as JSON.
import type { DaemonState, PmemInfo } from '@vpmem/watch';

/** Everything that is watched, as it was found at one time. */
export interface Snapshot {
  /** Counts rounds, from 1 on. */
  readonly round: number;
  /** Milliseconds since 1970, by the server's clock: for people. */
  readonly time: number;
  /** Milliseconds since the server began, by a clock that does not jump: what cells of a history are told by. */
  readonly at: number;
  /** Whether power may be cut, and so on. */
  readonly control: boolean;
  readonly machines: readonly MachineRow[];
  /** Those after the number that was asked for, oldest first. */
  readonly events: readonly EventRow[];
  /** Undefined where no folder was given. */
  readonly reports?: ReportList | undefined;
}

/** A program that has devices. */
export interface MachineRow {
  readonly key: string;
  readonly program: string;
  /** What `-name` said, or the process id. */
  readonly title: string;
  readonly pid: number;
  readonly version?: string | undefined;
  readonly state: DaemonState;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  readonly reason?: string | undefined;
  readonly devices: readonly DeviceRow[];
}

export interface DeviceRow {
  readonly key: string;
  /** As `query-pmem` told of it last. */
  readonly info: PmemInfo;
  /** Absent where it is not known what happened since the round before. Per second; latencies in microseconds. */
  readonly rate?: DeviceRate | undefined;
  /** Flushes asked for per second in the last rounds, oldest first; null where that is not known. */
  readonly recent: readonly (number | null)[];
  /** Parts of the range that are written again and again, by their numbers: as in `volatile-parts`. */
  readonly hot: readonly number[];
}

export interface DeviceRate {
  readonly asked: number;
  readonly failed: number;
  readonly p50?: number | undefined;
  readonly p99?: number | undefined;
}

export interface EventRow {
  /** Counts events, from 1 on. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly machine: string;
  readonly device?: string | undefined;
  /** As QMP calls it; absent of what the watch itself has found out. */
  readonly event?: string | undefined;
  readonly text: string;
  readonly tone: 'bad' | 'warn' | 'plain';
}

/** Reports of the explorer. */
export interface ReportList {
  /** Path that their addresses begin with. */
  readonly base: string;
  /** Newest first. */
  readonly reports: readonly { readonly name: string; readonly time: number }[];
  /** Why there are none, where the folder cannot be read. */
  readonly problem?: string | undefined;
}

/** One row of cells of a history: how far back it goes, and how long each is. */
export interface History {
  /** Milliseconds of {@link Snapshot.at}. */
  readonly at: number;
  readonly cells: readonly HistoryCell[];
}

/** What a device did in a stretch of time. */
export interface HistoryCell {
  /** Milliseconds of {@link Snapshot.at}. */
  readonly from: number;
  readonly to: number;
  /** For how much of that it is known, in milliseconds. */
  readonly known: number;
  /** Flushes asked for, and failed. */
  readonly asked: number;
  readonly failed: number;
  /** The most bytes that were not durable; null where that is not known. */
  readonly risk: number | null;
  /** Flushes that took up to 2^i microseconds and longer than half of that, for each i; without the zeroes at the end. */
  readonly steps: readonly number[];
}

/** What the page asks the server to do to a device. */
export interface ControlRequest {
  /** Keys of both. */
  readonly machine: string;
  readonly device: string;
  /** What was confirmed, in words: title of the machine, and id of the device. */
  readonly confirmed: string;
  readonly command: 'power-cut' | 'flush-fault' | 'flush-limit';
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
}

/** What came of it, in one sentence. */
export interface ControlAnswer {
  readonly text: string;
}
