import { closeSync } from 'node:fs';
import { ProgressMemory, StateMemory, type DescriptorStore } from '@vpmem/descriptor-store';
import { duplicate, type SaveDescriptor } from '@vpmem/native';
import type { KeptMemory, SharedStore } from './device-messages.ts';

/** Words for the server, and for each of the queues that a device can have. */
const WORDS = 1 + 64;

/** The main thread's part of what outlives the process: the memory in which each device is saved. */
export class KeptMachine {
  /** For the device thread. */
  readonly shared: SharedStore;
  readonly #memory = new Map<string, KeptMemory>();

  constructor(store: DescriptorStore) {
    const { description, inherited } = store;
    this.shared = { description, count: store.count, inherited };
  }

  /** Memory for a new device; descriptors for the device thread, which takes them over. */
  make(id: string): KeptMemory {
    const state = StateMemory.create(`state of ${id}`);
    const words = ProgressMemory.create(`words of ${id}`, WORDS);
    this.#memory.set(id, { state: duplicate(state.fd), words: duplicate(words.fd) });
    const theirs = { state: duplicate(state.fd), words: duplicate(words.fd) };
    state.close();
    words.close();
    return theirs;
  }

  /** That of a device of an earlier process; takes over the descriptors, and gives others for the device thread. */
  adopt(id: string, memory: KeptMemory): KeptMemory {
    this.#memory.set(id, memory);
    return { state: duplicate(memory.state), words: duplicate(memory.words) };
  }

  /** @throws TypeError for a device that has none */
  save(id: string, put: SaveDescriptor): KeptMemory {
    const memory = this.#memory.get(id);
    if (memory === undefined) throw new TypeError(`nothing is kept of device '${id}'`);
    return { state: put(memory.state), words: put(memory.words) };
  }

  /** The device is gone, and no state names it. */
  remove(id: string): void {
    const memory = this.#memory.get(id);
    this.#memory.delete(id);
    for (const fd of memory === undefined ? [] : [memory.state, memory.words]) closeSync(fd);
  }
}
