import { checkFreeDescriptors } from '@vpmem/native';
import type { MonitorDesk } from './monitor-desk.ts';

/** Descriptors that have to be free: node opens several modules at a time, and what it could not open once it never tries again. */
const ROOM = 32;

/** Loads what answers clients, a schema of every command among it, when there is somebody to answer. */
export class DeskLoader {
  readonly #make: (Desk: typeof MonitorDesk) => MonitorDesk;
  #loading: Promise<MonitorDesk> | undefined;
  #loaded: MonitorDesk | undefined;

  constructor(make: (Desk: typeof MonitorDesk) => MonitorDesk) {
    this.#make = make;
  }

  /** The desk, once somebody was to be answered. */
  get loaded(): MonitorDesk | undefined {
    return this.#loaded;
  }

  /** @throws Error with `code` EMFILE or ENFILE where descriptors are short; it can be called again then */
  load(): Promise<MonitorDesk> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<MonitorDesk> {
    checkFreeDescriptors(ROOM);
    const { MonitorDesk: Desk } = await import('./monitor-desk.ts');
    return (this.#loaded = this.#make(Desk));
  }
}
