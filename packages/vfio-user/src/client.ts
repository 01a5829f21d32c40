export { RemoteFunction, type SharedRam } from './client/remote-function.ts';
export { VfioUserClient, VfioUserError, type ClientOptions, type Reply } from './client/vfio-user-client.ts';
