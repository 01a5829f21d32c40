/** Takes an input apart into what a target wants to do. At its end everything is 0, so every input means something. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#at < this.#bytes.length ? (this.#bytes[this.#at++]!) : 0;
  }

  /** Little-endian, like the others. */
  u16(): number {
    return this.u8() | (this.u8() << 8);
  }

  u32(): number {
    return this.u16() + this.u16() * 2 ** 16;
  }

  u64(): bigint {
    return BigInt(this.u32()) | (BigInt(this.u32()) << 32n);
  }

  /** From 0 to `limit` - 1. */
  below(limit: number): number {
    return (limit > 256 ? this.u16() : this.u8()) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** At most so many bytes; fewer at the end. Not a copy. */
  bytes(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += taken.length;
    return taken;
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }
}
