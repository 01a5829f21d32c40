export { CLIENT_CHANNEL, VfioUserServer, type ClientMessage } from './vfio-user-server.ts';
