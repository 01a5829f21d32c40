export type { DeviceEvent, DeviceStatus } from './device-messages.ts';
export { deviceProperties, type VirtioPmemPciOptions } from './device-properties.ts';
export { Machine, type Device, type MachineObserver, type MachineOptions } from './machine.ts';
export { MachineError, type MachineErrorCode } from './machine-error.ts';
export { objectProperties } from './object-properties.ts';
