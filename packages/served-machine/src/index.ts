export { contradiction, type AskedMachine, type RunningMachine } from './contradiction.ts';
export { Machine, type MachineObserver, type MachineOptions } from './machine.ts';
export { STATE_VERSION, STATE_VERSIONS, type KeptPart, type MachineState } from './machine-state.ts';
export type { Device } from './served-devices.ts';
export { vfioUserPlug, type PluggableDevice } from './vfio-user-plug.ts';
