export { ExploreError, type CheckAnswer, type CheckPlace, type CheckQuestion, type CheckStep, type RecoveryStep, type Verdict } from './check-place.ts';
export { checkState, type CheckedState } from './check-state.ts';
export { explore } from './explore.ts';
export { MemoryPlace, type MemoryChecker, type MemoryVerdict } from './memory-place.ts';
export type { NameBytes } from './minimise/minimal-pieces.ts';
export type { ExploreReport, FailureGroup, MinimalPiece, MinimalSet, ReportedCoverage, ReportedOptions, ReportedRecording, ReportedTotals, ReportedWindow, SecondCut } from './report.ts';
export type { ExploreEvent, ExploreProgress } from './run/explore-event.ts';
export type { ExploreOptions, SecondCutOptions } from './run/explore-options.ts';
