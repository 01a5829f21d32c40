export { RemoteFunction, type SharedRam } from './remote-function.ts';
export { VfioUserClient, VfioUserError, type ClientOptions, type Reply } from './vfio-user-client.ts';
