import { GuestMemory } from '@vpmem/guest-memory';
import type { Bar } from './bar.ts';
import type { PciHost } from './pci-function.ts';

/** A host that writes down what functions send it. */
export class RecordingHost implements PciHost {
  readonly memory = new GuestMemory();
  /** MSI-X messages, as `address:data`. */
  readonly messages: string[] = [];
  readonly intxLevels: boolean[] = [];
  readonly deferred: (() => void)[] = [];
  readonly msix = {
    kind: 'messages' as const,
    write: (address: bigint, data: number): void => {
      this.messages.push(`${address.toString(16)}:${data}`);
    },
  };

  intx(asserted: boolean): void {
    this.intxLevels.push(asserted);
  }
  readonly defer = (callback: () => void): void => {
    this.deferred.push(callback);
  };
}

/** A memory BAR over plain bytes, little-endian. */
export function ramBar(size: number, options: { is64?: boolean; prefetchable?: boolean } = {}): Bar & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(size);
  return {
    size,
    is64: options.is64 ?? false,
    prefetchable: options.prefetchable ?? false,
    areas: [],
    bytes,
    read: (offset, width) => bytes.slice(offset, offset + width).reduceRight((value, byte) => value * 256 + byte, 0),
    write: (offset, width, value) => {
      for (let i = 0; i < width; i++) bytes[offset + i] = value / 256 ** i;
    },
  };
}
