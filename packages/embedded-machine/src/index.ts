export { embeddedDeviceProperties } from './embedded-device-properties.ts';
export { EmbeddedMachine, type EmbeddedMachineOptions } from './embedded-machine.ts';
export type { EmbeddedConsole } from './guest-console.ts';
export { machineProperties, type MachineFamily, type MachineSettings } from './machine-properties.ts';
export type { MemorySettings } from './memory-options.ts';
