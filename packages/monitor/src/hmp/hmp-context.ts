import type { ManagedMachine } from '@vpmem/machine';

/** A monitor's character device, for `info chardev`. */
export interface ChardevInfo {
  readonly label: string;
  /** What it is, and whether a client is there. */
  readonly filename: string;
}

/** What all human monitors of a machine have in common. */
export interface HmpContext {
  readonly machine: ManagedMachine;
  readonly program: string;
  readonly version: string;
  readonly chardevs: () => readonly ChardevInfo[];
  /** Whether a command, by a name such as `stop` or `info status`, is left to the machine's own monitor, where there is one. */
  readonly leaves?: (name: string) => boolean;
}
