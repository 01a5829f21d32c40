import type { PowerExposure } from '@vpmem/machine';
import { PmemBacking, type PutMark } from '@vpmem/machine/pmem-backing';
import { afterNode, fileSyncer, volatileSyncer, type BackendDescription } from '@vpmem/memory-backend';
import type { PowerObserver } from '@vpmem/simulated-medium';

/** What stands behind a device of a machine with an embedded guest: the same as everywhere, with promises. */
export class EmbeddedBacking extends PmemBacking {
  readonly description: BackendDescription;

  /** `mark`: what is flushed is a mark, see `MarkSyncer`. */
  constructor(description: BackendDescription, observer: PowerObserver, mark?: PutMark) {
    const syncer = () => (description.volatile === undefined ? fileSyncer(description.fd) : volatileSyncer(description));
    super({ description, syncer, mark, defer: setImmediate, after: afterNode, observer });
    this.description = description;
    // The guest is part of this process.
    this.client('came', process.pid);
  }

  /** What a power cut would cost; undefined where none can be simulated. */
  exposure(): Promise<PowerExposure | undefined> {
    return new Promise((resolve) => this.expose(resolve));
  }

  /** Makes everything written so far durable, if that can be, and waits. */
  async sync(): Promise<void> {
    await new Promise<void>((resolve) => this.settle(resolve));
    await this.#idle();
  }

  /** Nobody uses it any more: settles when its backend may be closed, or given to another. */
  async end(): Promise<void> {
    await this.#idle();
    // What a real file keeps in the page cache, flushed or not, memory of our own would keep from the file.
    if (this.description.medium !== undefined) await this.sync();
    await new Promise<void>((resolve) => this.close(resolve));
  }

  /** Waits for the sync that runs, if one does: its file must stay open until then. */
  #idle(): Promise<void> {
    return new Promise((resolve) => this.memory.flushes.whenIdle(resolve));
  }
}
