export { DescriptorStore, type StoreDescription } from './descriptor-store.ts';
export { inheritedDescriptors } from './inherited-descriptors.ts';
export { ProgressMemory } from './progress-memory.ts';
export { StateMemory, type WriteAt } from './state-memory.ts';
export { StoreError } from './store-error.ts';
export { KeptDescriptors } from './kept-descriptors.ts';
