export { optimizeEarly } from './early-optimization.ts';
export { Machine, type MachineObserver, type MachineOptions } from './machine.ts';
export type { Device } from './served-devices.ts';
export { vfioUserPlug, type PluggableDevice } from './vfio-user-plug.ts';
