export { DurabilityOracle, DurabilityViolation, type AskedFlush } from './durability-oracle.ts';
export { FlushWatch, type FlushViolation } from './flush-watch.ts';
export { TestDisk } from './test-disk.ts';
export { TRACKERS, withTracker, type TrackerChoice } from './test-trackers.ts';
