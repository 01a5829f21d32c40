export { ExploreError, type CheckAnswer, type CheckPlace, type CheckQuestion, type CheckStep, type Verdict } from './check-place.ts';
export type { ExploreReport, FailureGroup, MinimalPiece, MinimalSet, ReportedCoverage, ReportedOptions, ReportedRecording, ReportedTotals, ReportedWindow } from './report.ts';
