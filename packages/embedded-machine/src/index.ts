export { embeddedDeviceProperties } from './embedded-device-properties.ts';
export { EmbeddedMachine, type EmbeddedMachineOptions } from './embedded-machine.ts';
export type { EmbeddedConsole } from './guest-console.ts';
export { machineProperties } from './machine-properties.ts';
