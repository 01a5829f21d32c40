export { FlushFaults, type FaultKind, type FaultStats, type FlushFault, type FlushFaultsState } from './flush-faults.ts';
export type { MediumStatus, RecordingState } from './medium-status.ts';
export type { MediumClient, MediumState, SavedRecording } from './medium-state.ts';
export type { RecordingOrder } from './medium-messages.ts';
export type { CutPhase, Exposure, PowerCutOptions, PowerCutPlan, PowerCutReport, PowerObserver } from './power-cut.ts';
export { readPowerCut } from './saved-plan.ts';
export type { RecordingTarget } from './recorder-messages.ts';
export { SimulatedMedium } from './simulated-medium.ts';
export { GRANULARITY_BYTES, MAX_SEED, type Granularity, type Survival, type Survivors } from './survival.ts';
