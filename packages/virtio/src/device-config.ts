import { savedBytes, type SavedObject } from '@vpmem/layout';
import type { ConfigState } from './controller-state.ts';
import { FrozenConfig } from './frozen-config.ts';
import type { ConfigSpace } from './virtio-device.ts';

/** VIRTIO 1.4 §2.5: the device-specific configuration as the driver sees it, with its generation; frozen while suspended. */
export class DeviceConfig {
  #space: ConfigSpace;
  readonly #changed: () => void;
  #generation = 0;
  #seen = false;
  #frozen: FrozenConfig | undefined;
  #changeHeld = false;

  /** `changed` is called when {@link save} returns something else, but for what the caller itself does. */
  constructor(space: ConfigSpace, changed: () => void) {
    this.#space = space;
    this.#changed = changed;
  }

  /** Changes whenever two reads could differ; 0 to 255. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether the driver has read it since its last change. */
  get seen(): boolean {
    return this.#seen;
  }

  get size(): number {
    return this.#space.size;
  }

  /** To be read by the driver now. */
  read(): ConfigSpace {
    if (!this.#seen) {
      this.#seen = true;
      this.#changed();
    }
    return this.#frozen ?? this.#space;
  }

  /** What it is from now on. */
  become(space: ConfigSpace): void {
    this.#space = space;
    this.#step();
  }

  /** It reads differently from now on. False while it is frozen: then from {@link thaw} on. */
  change(): boolean {
    if (this.#frozen === undefined) this.#step();
    else this.#changeHeld = true;
    return this.#frozen === undefined;
  }

  /** No field changes until {@link thaw}. */
  freeze(): void {
    this.#frozen = new FrozenConfig(this.#space);
  }

  /** Whether a change was held back. */
  thaw(): boolean {
    const held = this.#changeHeld;
    this.#frozen = undefined;
    this.#changeHeld = false;
    return held;
  }

  save(): ConfigState {
    return {
      generation: this.#generation,
      seen: this.#seen,
      ...(this.#frozen === undefined ? {} : { frozen: savedBytes(this.#frozen.bytes) }),
      changeHeld: this.#changeHeld,
    };
  }

  /** One that goes on as `state` says, with what the device says it is now. @throws RangeError */
  static restored(state: SavedObject, space: ConfigSpace, changed: () => void): DeviceConfig {
    const config = new DeviceConfig(space, changed);
    config.#generation = state.number('generation', 0xff);
    config.#seen = state.boolean('seen');
    if (state.has('frozen')) config.#frozen = FrozenConfig.of(state.bytes('frozen', space.size));
    config.#changeHeld = state.boolean('changeHeld');
    return config;
  }

  /** One step is enough until the driver looks again, so an 8-bit counter cannot come round within one of its comparisons. */
  #step(): void {
    if (!this.#seen) return;
    this.#seen = false;
    this.#generation = (this.#generation + 1) & 0xff;
  }
}
