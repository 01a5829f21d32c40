import type { AccessWidth } from '@vpmem/layout';
import type { ConfigSpace } from './virtio-device.ts';

/** A configuration as it was at one moment. */
export class FrozenConfig implements ConfigSpace {
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(config: ConfigSpace) {
    this.size = config.size;
    this.#bytes = Uint8Array.from({ length: config.size }, (_, offset) => config.read(offset, 1));
  }

  read(offset: number, width: AccessWidth): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#bytes[offset + i] ?? 0);
    return value;
  }

  write(): boolean {
    return false;
  }
}
