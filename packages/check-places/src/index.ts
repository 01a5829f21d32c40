export { builtInChecker, isBuiltIn } from './built-in-checkers.ts';
export { acknowledged, checkEnvironment, refuseWithoutNumbers, type CheckPaths } from './check-environment.ts';
export { DEFAULT_TIMEOUT, programChecker, quote, type Checker, type ProgramOptions } from './checker.ts';
export { lastLine, verdictOf, type CheckerEnd } from './verdict.ts';
export { openHostPlace, type HostPlaceOptions } from './host-place.ts';
export { openImagePlace, type ImagePlaceOptions } from './image-place.ts';
export { mountOptions } from './mount-options.ts';
export { cleanUpAfterDead } from './place-folder.ts';
export type { WorkerAnswer, WorkerQuestion } from './worker-protocol.ts';
