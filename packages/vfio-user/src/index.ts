export { CLIENT_CHANNEL, POLL_MAX, VfioUserServer, type ClientMessage, type VfioUserServerOptions } from './vfio-user-server.ts';
