import type { GuestMemory, MemoryWindow } from '@vpmem/guest-memory';
import type { MemoryView } from '@vpmem/layout';
import type { QueueError } from './device-queue.ts';
import { unsharedError } from '../unshared-error.ts';

/** One part of a queue: a window on it and where in the window it begins. */
export interface RingPart {
  readonly window: MemoryWindow;
  readonly view: MemoryView;
  readonly base: number;
}

/** The three parts of a queue, in the registers' words. */
export interface RingParts {
  readonly desc: RingPart;
  readonly driver: RingPart;
  readonly device: RingPart;
}

/** What a ring format asks of the memory behind one part. */
export interface PartPlan {
  /** What the format calls it. */
  readonly name: string;
  /** Guest-physical. */
  readonly address: number;
  readonly bytes: number;
  readonly alignment: number;
  /** Whether the device writes there. */
  readonly writable: boolean;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Windows on the three parts of a queue, taken anew when the address space has changed. */
export class RingWindows {
  readonly #memory: GuestMemory;
  readonly #plans: Record<keyof RingParts, PartPlan>;
  #generation = -1;
  #resolved: RingParts | undefined;

  constructor(memory: GuestMemory, plans: Record<keyof RingParts, PartPlan>) {
    this.#memory = memory;
    this.#plans = plans;
  }

  /** The parts; undefined if one is not in RAM that the device can reach, or no longer. */
  get(): RingParts | undefined {
    if (this.#generation === this.#memory.generation) return this.#resolved;
    this.#generation = this.#memory.generation;
    const desc = this.#part(this.#plans.desc);
    const driver = this.#part(this.#plans.driver);
    const device = this.#part(this.#plans.device);
    this.#resolved = desc && driver && device && { desc, driver, device };
    return this.#resolved;
  }

  /** What is wrong with where the driver put the queue, if anything. */
  check(): QueueError | undefined {
    for (const { name, address, alignment } of Object.values(this.#plans)) {
      if (address % alignment !== 0) {
        return { code: 'misaligned', detail: `${name} at ${hex(address)}: the address has to be a multiple of ${alignment}` };
      }
    }
    return this.get() === undefined ? this.unmapped() : undefined;
  }

  unmapped(): QueueError {
    for (const { name, address, bytes } of Object.values(this.#plans)) {
      const unshared = unsharedError(this.#memory, name, address, bytes);
      if (unshared !== undefined) return unshared;
    }
    const parts = Object.values(this.#plans).map(({ name, address }) => `${name} ${hex(address)}`);
    return { code: 'unmapped', detail: `the queue (${parts.join(', ')}) is not in RAM that this device can reach` };
  }

  #part({ address, bytes, writable }: PartPlan): RingPart | undefined {
    const window = writable ? this.#memory.writable(address, bytes) : this.#memory.readable(address, bytes);
    return window === undefined ? undefined : { window, view: window.view, base: address - window.start };
  }
}
