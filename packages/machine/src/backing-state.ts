import type { FlushQueueState, ThrottleState } from '@vpmem/memory-backend';
import type { FlushFaultsState, MediumState, PowerCutOptions } from '@vpmem/simulated-medium';

/** What stands behind a device as plain JSON, without what its description has: files, and how they were opened. */
export interface BackingState {
  readonly flushes: FlushQueueState;
  readonly faults: FlushFaultsState;
  readonly throttle: ThrottleState;
  /** Power cuts there were. */
  readonly cuts: number;
  /** Times that a driver was gone which had used it; not in states of versions before 0.1. */
  readonly resets?: number;
  /** What the cut that is planned, or came last, is to leave; absent: none was asked for. */
  readonly leaves?: PowerCutOptions;
  /** Of a backend that has one. */
  readonly medium?: MediumState;
}
