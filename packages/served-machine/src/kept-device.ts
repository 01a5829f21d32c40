import { ProgressMemory, StateMemory, type KeptDescriptors } from '@vpmem/descriptor-store';
import type { Kept } from '@vpmem/vfio-user';
import type { KeptMemory } from './device-messages.ts';
import type { SavedThreadDevice } from './machine-state.ts';

/** Where a device is saved whenever it changes, so that the next process goes on when this one is killed. */
export class KeptDevice implements Kept {
  readonly word: Int32Array;
  readonly progress: Int32Array;
  readonly #descriptors: KeptDescriptors;
  readonly #state: StateMemory;
  readonly #words: ProgressMemory;
  /** What is saved; there before anything is. */
  source: ((put: (fd: number) => number) => SavedThreadDevice) | undefined;

  /** Takes over the descriptors of `memory`. @throws StoreError */
  constructor({ state, words }: KeptMemory, descriptors: KeptDescriptors) {
    this.#descriptors = descriptors;
    this.#state = StateMemory.open(state);
    this.#words = ProgressMemory.open(words);
    this.word = this.#words.words.subarray(0, 1);
    this.progress = this.#words.words.subarray(1);
  }

  /** What an earlier process saved; undefined if it saved nothing. */
  get saved(): SavedThreadDevice | undefined {
    return this.#state.read() as SavedThreadDevice | undefined;
  }

  save(): void {
    const { source } = this;
    if (source === undefined) return;
    this.#descriptors.save(this, (put) => this.#state.write(source(put)));
  }

  forget(fd: number): void {
    this.#descriptors.forget(fd);
  }

  /** The device is gone. */
  close(): void {
    this.source = undefined;
    this.#descriptors.release(this);
    this.#state.close();
    // Nobody has words of it any more: its server is closed.
    this.#words.close();
  }
}
