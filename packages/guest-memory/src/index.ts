export { FileBackings, bufferBacking, type Backing, type FileRefused } from './backing.ts';
export { GuestMemory, MAX_SPAN, type RegionError, type RegionOptions, type UnsharedRam } from './guest-memory.ts';
export { GuestMemoryFault, type MemoryWindow } from './memory-window.ts';
export type { MapLimits } from './map-budget.ts';
