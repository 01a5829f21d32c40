export { QmpClient, type ExecuteArguments, type ExecuteOptions, type QmpAddress, type QmpClientOptions } from './qmp-client.ts';
export { QmpConnectionError, type QmpConnectionErrorCode } from './qmp-connection-error.ts';
export { QmpError, type QmpErrorClass } from './qmp-error.ts';
export type { Arguments, CommandName, Returned } from './schema/qmp-commands.ts';
export type { EventData, EventName, QmpEvent, QmpTimestamp } from './schema/qmp-events.ts';
