import type { Duplex } from 'node:stream';

/** Something that a server can be made to be busy with. */
export interface Blocker {
  /** A request that is not answered until `release` is called; its answer may be an error. */
  readonly request: { readonly execute: string; readonly arguments: Readonly<Record<string, unknown>> };
  readonly release: () => Promise<void>;
}

/** A QMP server to try, however it is reached. It has three monitors, and takes one connection to each at a time. */
export interface QmpPeer {
  readonly kind: 'qemu' | 'vpmem';
  /** A new connection of which nothing has been read. */
  connect(monitor: 'first' | 'second' | 'pretty'): Promise<Duplex>;
  /** A command without arguments that may be run out of band. */
  readonly outOfBandCommand: string;
  block(): Promise<Blocker>;
}
