import { CompareTracker } from './compare-tracker.ts';
import type { PageTracker, TrackedMemory, TrackerKind } from './page-tracker.ts';
import { TrackerError } from './tracker-error.ts';
import { UffdTracker } from './uffd-tracker.ts';

/** Which tracker is wanted: `auto` is the quickest that there can be. */
export interface TrackerOptions {
  readonly want: 'auto' | TrackerKind;
}

/** Why there cannot be a `uffd` tracker of this memory, whichever client maps it; undefined if there can. @throws SystemError */
export function uffdObstacle(tracked: TrackedMemory): string | undefined {
  return UffdTracker.obstacle(tracked);
}

/**
 * A tracker of memory, for the calling thread.
 *
 * @throws TrackerError if `uffd` is asked for by name and there cannot be one here. What a client does not allow shows later only:
 *   as the tracker's `kind` and `reason`.
 * @throws SystemError where the memory cannot be looked at
 */
export function openTracker(tracked: TrackedMemory, { want }: TrackerOptions): PageTracker {
  if (want === 'compare') return new CompareTracker(tracked, undefined);
  const obstacle = UffdTracker.obstacle(tracked);
  if (obstacle === undefined) return new UffdTracker(tracked);
  if (want === 'uffd') throw new TrackerError(obstacle);
  return new CompareTracker(tracked, obstacle);
}
