const TWO_32 = 2 ** 32;

/** What was read is not what is wanted there; whoever reads a frame makes a message of it. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** Takes a payload apart, from its start. Nothing is read beyond its end. */
export class ByteSource {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws MalformedError at the end, as all of these do */
  u8(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new MalformedError('its payload ends too soon');
    this.#at++;
    return value;
  }

  le32(): number {
    const [a, b, c, d] = [this.u8(), this.u8(), this.u8(), this.u8()];
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  le64(): number {
    const low = this.le32();
    return this.#exact(low + this.le32() * TWO_32);
  }

  /** See {@link ByteSink.varint}. */
  varint(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      this.#exact(value);
      if (byte < 0x80) return value;
      factor *= 0x80;
      if (factor > 2 ** 49) throw new MalformedError('a number in it has no end');
    }
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    if (length > this.left) throw new MalformedError('its payload ends too soon');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** @throws MalformedError if anything is left */
  end(): void {
    if (this.left > 0) throw new MalformedError(`its payload has ${this.left} bytes too many`);
  }

  #exact(value: number): number {
    if (!Number.isSafeInteger(value)) throw new MalformedError('a number in it is too large');
    return value;
  }
}
