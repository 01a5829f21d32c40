import type { Target } from './target.ts';

/** A target by its name. */
export interface TargetEntry {
  /** What it feeds, in a few words. */
  readonly about: string;
  /**
   * Executions that `npm test` has for it, saved inputs first: more than each fault took that was planted in what it feeds (fuzz/README.md). {@link LONG_SHARE}
   * times as many in `npm run test:long`.
   */
  readonly share: number;
  load(): Promise<Target>;
}

/** What the share of `npm run test:long` is to that of `npm test`. */
export const LONG_SHARE = 9;

/** All targets. A module is loaded only when its target runs, so that coverage and literals are of what it uses. */
export const TARGETS: Readonly<Record<string, TargetEntry>> = {
  'split-queue': {
    about: 'any bytes in the rings and tables of a split queue, in memory that changes between two reads',
    share: 40_000,
    load: async () => (await import('./targets/split-queue.ts')).splitQueue,
  },
  'packed-queue': {
    about: 'the same of a packed queue',
    share: 40_000,
    load: async () => (await import('./targets/packed-queue.ts')).packedQueue,
  },
  'pci-function': {
    about: 'a whole virtio-pmem-pci function through configuration space, BARs and its queue',
    share: 12_000,
    load: async () => (await import('./targets/pci-function.ts')).pciFunction,
  },
  'vfio-user': {
    about: 'bytes and descriptors on the socket of a vfio-user server, and RAM that shrinks while it is used',
    share: 600,
    load: async () => (await import('./targets/vfio-user.ts')).vfioUser,
  },
  options: {
    about: 'QemuOpts, keyval, JSON, sizes, and what is written reads back',
    share: 8_000,
    load: async () => (await import('./targets/options.ts')).options,
  },
  qmp: {
    about: 'a QMP client: its stream in any pieces, the session, the commands on a machine',
    share: 700,
    load: async () => (await import('./targets/qmp.ts')).qmp,
  },
  hmp: {
    about: 'lines of a human monitor, and the tab key after each',
    share: 2_000,
    load: async () => (await import('./targets/hmp.ts')).hmp,
  },
  acpi: {
    about: 'tables of firmware: their search, the interpreter of their byte code, the structures of an NFIT',
    share: 2_000,
    load: async () => (await import('./targets/acpi.ts')).acpi,
  },
  dsm: {
    about: 'the page and the port through which a guest reaches NVDIMMs',
    share: 12_000,
    load: async () => (await import('./targets/dsm.ts')).dsm,
  },
  'namespace-labels': {
    about: 'a label area with anything in it, and power that fails while it changes',
    share: 2_000,
    load: async () => (await import('./targets/namespace-labels.ts')).namespaceLabels,
  },
  'log-writes': {
    about: 'a log of dm-log-writes, and the recording that is made of it',
    share: 2_000,
    load: async () => (await import('./targets/log-writes.ts')).logWrites,
  },
  recording: {
    about: 'recordings with anything in them, checksums right or not, and the text of states',
    share: 12_000,
    load: async () => (await import('./targets/recording.ts')).recording,
  },
};
