export { EXIT_STATUS } from './exit-status.ts';
export type { MessageSettings } from './message-settings.ts';
export type { ProgramName } from './option-table.ts';
export type { EndReason, MachineParts, OwnedMachine, Program } from './program.ts';
export { runService } from './run-service.ts';
export { runningPrograms, type RunningProgram } from './running-program.ts';
export type { ParsedSetupOption, SetupOption } from './setup-option.ts';
export type { Setup } from './setup.ts';
export type { TypesByOption } from './usage.ts';
