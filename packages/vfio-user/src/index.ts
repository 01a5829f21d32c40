export { CLIENT_CHANNEL, VfioUserServer, type ClientMessage, type VfioUserServerOptions } from './vfio-user-server.ts';
