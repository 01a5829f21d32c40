export { contradiction, type AskedMachine, type RunningMachine, type RunningPart } from './contradiction.ts';
export { Machine, type MachineObserver, type MachineOptions } from './machine.ts';
export { STATE_VERSION, STATE_VERSIONS, type KeptPart, type MachineState, type SavedPart, type SavedDevice } from './machine-state.ts';
export type { Device } from './served-devices.ts';
export { vfioUserPlug, type PluggableDevice } from './vfio-user-plug.ts';
