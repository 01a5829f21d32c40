export { quoteForShell, splitCommandLine, type CommandLineItem } from './command-line.ts';
export { RAM_ID, shareableRam } from './guest-ram.ts';
export { checkQemu, MIN_QEMU } from './qemu-binary.ts';
export { QemuError, type QemuErrorCode } from './qemu-error.ts';
export { holdSignals, runQemu, type ChildExit } from './run-qemu.ts';
export { substitute, type Substitution, type TakenOption } from './substitution.ts';
export { vfioUserDevice, type ServedDevice } from './vfio-user-device.ts';
