/** Puts an input together: what a {@link ByteReader} takes apart. For the inputs a target begins with. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  u8(...values: readonly number[]): this {
    for (const value of values) this.#bytes.push(value & 0xff);
    return this;
  }

  u16(...values: readonly number[]): this {
    for (const value of values) this.u8(value, value >> 8);
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) this.u16(value, value >>> 16);
    return this;
  }

  u64(...values: readonly bigint[]): this {
    for (const value of values) this.u32(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
    return this;
  }

  bytes(values: Iterable<number>): this {
    for (const value of values) this.#bytes.push(value);
    return this;
  }

  get done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
