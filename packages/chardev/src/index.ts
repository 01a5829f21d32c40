export { ChardevError, type ChardevErrorCode } from './chardev-error.ts';
export { chardevProperties, exposureOf, readChardev, type ChardevOptions, type SocketAddress, type SocketOptions } from './chardev-options.ts';
export { NullChardev, type Chardev, type Serve } from './chardev.ts';
export { ClientQueue, MAX_WAITING, type ClientQueueOptions } from './client-queue.ts';
export { ConnectedChardev } from './connected-chardev.ts';
export { Connection, type ConnectionOptions, type Terminal } from './connection.ts';
export { parseDevice, type MonitorDevice } from './device-text.ts';
export { openChardev } from './open-chardev.ts';
export { listenAt } from './unix-path.ts';
