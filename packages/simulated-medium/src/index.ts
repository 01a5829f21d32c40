export { FlushFaults, type FaultKind, type FaultStats, type FlushFault } from './flush-faults.ts';
export { SimulatedMedium, type CutPhase, type Exposure, type PowerCutOptions, type PowerCutPlan, type PowerCutReport, type PowerObserver } from './simulated-medium.ts';
export { GRANULARITY_BYTES, MAX_SEED, type Granularity, type Survival, type Survivors } from './survival.ts';
