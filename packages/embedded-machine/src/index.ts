export { embeddedDeviceProperties } from './embedded/embedded-device-properties.ts';
export { EmbeddedMachine, type EmbeddedMachineOptions } from './embedded/embedded-machine.ts';
export type { EmbeddedConsole } from './embedded/guest-console.ts';
export { machineProperties } from './embedded/machine-properties.ts';
