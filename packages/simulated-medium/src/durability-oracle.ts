/** Bytes that are compared at once. */
const PIECE = 512;

/** Stores up to one point, as {@link DurabilityOracle.asked} gives it. */
export type AskedFlush = number;

interface Store {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A byte that is not what it can be. */
export class DurabilityViolation extends Error {
  override readonly name = 'DurabilityViolation';
  /** Where, in bytes. */
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/**
 * Knows what a disk may hold from what was stored and flushed, and from nothing else: every byte that was stored before a
 * flush was asked for, and not stored anew since, is on the disk after that flush was answered; any other byte is one of those
 * stored since, or what it was.
 */
export class DurabilityOracle {
  /** What the disk holds if nothing of what was stored since got there. */
  readonly #durable: Uint8Array;
  /** Stores that are not certain to be durable, in order. */
  #stores: Store[] = [];
  /** How many stores there were before the first of those. */
  #forgotten = 0;

  /** `contents`: what the disk holds at first; copied. */
  constructor(contents: Uint8Array) {
    this.#durable = contents.slice();
  }

  /** Something was stored. Call it before the store. */
  store(at: number, bytes: Uint8Array): void {
    this.#stores.push({ at, bytes: bytes.slice() });
  }

  /** A flush is being asked for. Call it before it is. */
  asked(): AskedFlush {
    return this.#forgotten + this.#stores.length;
  }

  /** That flush was answered with success. */
  answered(flush: AskedFlush): void {
    const certain = this.#stores.splice(0, Math.max(0, flush - this.#forgotten));
    this.#forgotten += certain.length;
    for (const { at, bytes } of certain) this.#durable.set(bytes, at);
  }

  /** The power was cut, and this is what the disk holds: whatever it holds now is durable. @throws DurabilityViolation */
  cut(disk: Uint8Array): void {
    this.check(disk);
    this.answered(this.asked());
    this.#durable.set(disk);
  }

  /** Checks what a disk holds. @throws DurabilityViolation */
  check(disk: Uint8Array): void {
    if (disk.length !== this.#durable.length) throw new DurabilityViolation(disk.length, `the disk has ${disk.length} bytes, not ${this.#durable.length}`);
    const same = (from: number, to: number): boolean => Buffer.compare(disk.subarray(from, to), this.#durable.subarray(from, to)) === 0;
    for (let at = 0; at < disk.length; at++) {
      // Most of it is as it was.
      while (at % PIECE === 0 && at < disk.length && same(at, at + PIECE)) at += PIECE;
      if (at >= disk.length) return;
      const [found, certain] = [disk[at] ?? 0, this.#durable[at] ?? 0];
      if (found === certain || this.#stores.some((store) => store.bytes[at - store.at] === found)) continue;
      const since = this.#stores.filter((store) => store.bytes[at - store.at] !== undefined).length;
      throw new DurabilityViolation(at, `byte ${at} is ${found}, which it cannot be: it was ${certain} at the last answered flush, and ${since} stores since made it something else`);
    }
  }
}
