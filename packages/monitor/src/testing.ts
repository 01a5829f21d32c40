export { FakeMachine } from './fake-machine.ts';
export { TextClient } from './text-client.ts';
export type { HmpContext, ChardevInfo } from './hmp/hmp-context.ts';
export { HmpShell } from './hmp/hmp-shell.ts';
export { machineHandlers } from './qmp/machine-handlers.ts';
