import type { AccessWidth } from '@vpmem/layout';
import type { ConfigSpace } from './virtio-device.ts';

/** A configuration as it was at one moment. */
export class FrozenConfig implements ConfigSpace {
  readonly bytes: Uint8Array;

  constructor(config: ConfigSpace) {
    this.bytes = Uint8Array.from({ length: config.size }, (_, offset) => config.read(offset, 1));
  }

  /** As {@link bytes} of another were. */
  static of(bytes: Uint8Array): FrozenConfig {
    return new FrozenConfig({ size: bytes.length, read: (offset) => bytes[offset] ?? 0, write: () => false });
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, width: AccessWidth): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.bytes[offset + i] ?? 0);
    return value;
  }

  write(): boolean {
    return false;
  }
}
