import type { StoreDescription } from '@vpmem/descriptor-store';

/** All that a program is, as plain JSON: what goes from process to process. */
export interface ServiceState {
  readonly machine: unknown;
  /** Where monitors listen, in the words of `-monitor`. */
  readonly monitors: readonly { readonly at: string; readonly fd: number }[];
  readonly pidFile?: number;
  /** What a store holds in case the process dies, by name; the process that goes on has it under the same names. */
  readonly held?: Readonly<Record<string, number>>;
}

/** What whoever takes over has to know before. */
export interface OfferedService {
  /** What the machine tells of itself. */
  readonly machine: unknown;
  /** What holds its descriptors in case it dies, if anything does. */
  readonly store?: StoreDescription;
  /** How often at least the watchdog of who supervises it has to hear something, in milliseconds, if one watches. */
  readonly watchdog?: number;
}
