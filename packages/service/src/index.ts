export type { CommandLine, DescribableOption, GivenOption } from './command-line.ts';
export { LEVELS, type Level, type MessageSettings } from './message-settings.ts';
export type { OptionName, ProgramName } from './option-table.ts';
export type { EndReason, MachineParts, OwnedMachine, Program } from './program.ts';
export { EXIT_STATUS, runService } from './run-service.ts';
export { runningPrograms, type RunningProgram } from './running-program.ts';
export type { Setup } from './setup.ts';
export type { Location, ParsedSetupOption, SetupOption } from './setup-option.ts';
export type { TypesByOption } from './usage.ts';
