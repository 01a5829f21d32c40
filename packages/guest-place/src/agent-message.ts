/** Longest message of a guest that is believed, in bytes: three texts of 64 KiB, and what the kernel said. */
const MAX_MESSAGE = 2 ** 22;

/** A message as bytes: see `guest-agent.ts`. */
export function encodeMessage(strings: readonly (string | Uint8Array)[]): Buffer {
  const parts = strings.map((each) => (typeof each === 'string' ? Buffer.from(each) : each));
  const bytes = Buffer.concat(parts.flatMap((part) => [lengthOf(part.length), part]));
  return Buffer.concat([lengthOf(bytes.length), bytes]);
}

/** Takes messages out of bytes that come cut anywhere. */
export class MessageReader {
  #received = Buffer.alloc(0);

  /** @returns the messages that are whole now. @throws RangeError for what is none */
  receive(bytes: Buffer): Buffer[][] {
    this.#received = Buffer.concat([this.#received, bytes]);
    const whole: Buffer[][] = [];
    while (this.#received.length >= 4) {
      const length = this.#received.readUInt32BE();
      if (length > MAX_MESSAGE) throw new RangeError(`a message of ${length} bytes`);
      if (this.#received.length < 4 + length) break;
      whole.push(decode(this.#received.subarray(4, 4 + length)));
      this.#received = this.#received.subarray(4 + length);
    }
    return whole;
  }
}

function decode(bytes: Buffer): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32BE(at) : Infinity;
    if (end > bytes.length) throw new RangeError(`a string that ends behind its message, of ${bytes.length} bytes`);
    strings.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
