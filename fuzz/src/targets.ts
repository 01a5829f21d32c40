import type { Target } from './target.ts';

/** A target by its name. */
export interface TargetEntry {
  /** What it feeds, in a few words. */
  readonly about: string;
  /** Executions that `npm test` has for it: about eight seconds on a slow core. */
  readonly share: number;
  load(): Promise<Target>;
}

/** All targets. A module is loaded only when its target runs, so that coverage and literals are of what it uses. */
export const TARGETS: Readonly<Record<string, TargetEntry>> = {
  'split-queue': {
    about: 'any bytes in the rings and tables of a split queue, in memory that changes between two reads',
    share: 20_000,
    load: async () => (await import('./targets/split-queue.ts')).splitQueue,
  },
  'pci-function': {
    about: 'a whole virtio-pmem-pci function through configuration space, BARs and its queue',
    share: 20_000,
    load: async () => (await import('./targets/pci-function.ts')).pciFunction,
  },
  options: {
    about: 'QemuOpts, keyval, JSON, sizes, and what is written reads back',
    share: 20_000,
    load: async () => (await import('./targets/options.ts')).options,
  },
};
