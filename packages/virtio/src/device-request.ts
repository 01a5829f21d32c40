import type { ActiveQueue } from './rings/active-queue.ts';
import type { DescriptorChain, Segment } from './rings/descriptor-chain.ts';

/**
 * One buffer of the driver's, as a device type sees it: bytes to read, and room to write into, however they are cut into descriptors.
 * It stays good until it is answered. After a reset of the queue nothing of it can be read or written any more.
 */
export class DeviceRequest {
  /** Bytes to read. It is the driver who says so, up to 4 GiB for each descriptor: bound it before memory is taken for them. */
  readonly readable: number;
  /** Bytes of room. As {@link readable}. */
  readonly writable: number;
  readonly #queue: ActiveQueue;
  readonly #source: readonly Segment[];
  readonly #target: readonly Segment[];
  #written = 0;
  #refused = false;

  /** Of a chain that was just taken from `queue`. */
  constructor(queue: ActiveQueue, chain: DescriptorChain) {
    const element = (i: number): Segment => ({ address: chain.address(i), length: chain.length(i) });
    const all = Array.from({ length: chain.count }, (_, i) => element(i));
    this.#queue = queue;
    this.#source = all.slice(0, chain.readableCount);
    this.#target = all.slice(chain.readableCount);
    this.readable = total(this.#source);
    this.writable = total(this.#target);
  }

  /** `length` bytes, from byte `from` on; undefined if there are fewer, or some lie where no RAM is that the device may read. */
  read(length: number, from = 0): Uint8Array<ArrayBuffer> | undefined {
    if (from + length > this.readable) return undefined;
    const bytes = new Uint8Array(length);
    return this.#queue.gather(part(this.#source, from, length), bytes) ? bytes : undefined;
  }

  /**
   * Writes all of `bytes`, from byte `from` of the room on. False if there is less room, with nothing written; or if there is no RAM that
   * the device may write: then the driver is asked for a reset.
   */
  write(bytes: Uint8Array, from = 0): boolean {
    if (from + bytes.length > this.writable) return false;
    if (!this.#queue.respond(part(this.#target, from, bytes.length), bytes)) {
      this.#refused = true;
      return false;
    }
    if (from <= this.#written) this.#written = Math.max(this.#written, from + bytes.length);
    return true;
  }

  /** VIRTIO 1.4 §2.7.8.2: bytes written from the first on without a gap, which is what a driver may be told. */
  get written(): number {
    return this.#written;
  }

  /** Whether something could not be written although there was room. */
  get refused(): boolean {
    return this.#refused;
  }
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

/** The `length` bytes from byte `from` on, which have to be there. */
function part(segments: readonly Segment[], from: number, length: number): Segment[] {
  const found: Segment[] = [];
  const end = from + length;
  let at = 0;
  for (const segment of segments) {
    const [first, last] = [Math.max(from, at), Math.min(end, at + segment.length)];
    if (first < last) found.push({ address: segment.address + first - at, length: last - first });
    at += segment.length;
  }
  return found;
}
