export type { FileSpan } from '@vpmem/native';
export { countDifferences, forEachDifference, type DifferenceOptions, type DifferingPages } from './difference.ts';
export { MappedMemory } from './mapped-memory.ts';
export { openTracker, uffdObstacle, type TrackerOptions } from './open-tracker.ts';
export { PAGE_SIZE, PageSet, type PageRun } from './page-run.ts';
export type { PageTracker, TrackedMemory, TrackerKind } from './page-tracker.ts';
export { TrackerError } from './tracker-error.ts';
