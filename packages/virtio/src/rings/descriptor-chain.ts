import type { GuestMemory } from '@vpmem/guest-memory';
import { unsharedError, type UnsharedError } from '../unshared-error.ts';

/** One element of a buffer: guest-physical address and bytes. */
export interface Segment {
  readonly address: number;
  readonly length: number;
}

/**
 * One buffer the driver made available: its readable elements first, then its writable ones, every one copied out of the
 * descriptor table exactly once. The queue reuses the object: what is needed after the next `pop` has to be taken out.
 */
export class DescriptorChain {
  readonly code = 'chain';
  /** What the driver knows the buffer by: index of the first descriptor in a split queue, buffer id in a packed one. */
  head = 0;
  /** Number of elements; the first {@link readableCount} are for the device to read. */
  count = 0;
  readableCount = 0;
  /** Why some of it cannot be reached: an indirect table, whose elements are then not here, or bytes that were to be gathered. */
  unreachable: UnsharedError | undefined;
  readonly #addresses: Float64Array;
  readonly #lengths: Uint32Array;

  /** `capacity` is the longest chain, in elements. */
  constructor(capacity: number) {
    this.#addresses = new Float64Array(capacity);
    this.#lengths = new Uint32Array(capacity);
  }

  reset(head: number): void {
    this.head = head;
    this.count = 0;
    this.readableCount = 0;
    this.unreachable = undefined;
  }

  /** Appends an element; false if a readable one would follow a writable one (VIRTIO 1.4 §2.7.4.2 forbids it). */
  append(address: number, length: number, writable: boolean): boolean {
    if (!writable) {
      if (this.readableCount !== this.count) return false;
      this.readableCount++;
    }
    this.#addresses[this.count] = address;
    this.#lengths[this.count] = length;
    this.count++;
    return true;
  }

  address(element: number): number {
    return this.#addresses[element] ?? 0;
  }

  length(element: number): number {
    return this.#lengths[element] ?? 0;
  }

  /**
   * Gathers the first `target.length` readable bytes, however they are cut into elements; false if there are fewer, or
   * some lie where the device may not read; {@link unreachable} then says whether that is the driver's fault.
   *
   * @throws GuestMemoryFault
   */
  gather(memory: GuestMemory, target: Uint8Array): boolean {
    let done = 0;
    for (let i = 0; i < this.readableCount && done < target.length; i++) {
      const piece = done === 0 && this.length(i) >= target.length ? target : target.subarray(done, done + this.length(i));
      if (!memory.read(this.address(i), piece)) {
        this.unreachable ??= unsharedError(memory, 'request', this.address(i), piece.length);
        return false;
      }
      done += piece.length;
    }
    return done === target.length;
  }

  /** Where the first `length` writable bytes go; undefined if there are fewer. */
  writablePrefix(length: number): Segment[] | undefined {
    const segments: Segment[] = [];
    let missing = length;
    for (let i = this.readableCount; i < this.count && missing > 0; i++) {
      const taken = Math.min(this.length(i), missing);
      if (taken > 0) segments.push({ address: this.address(i), length: taken });
      missing -= taken;
    }
    return missing === 0 ? segments : undefined;
  }
}
