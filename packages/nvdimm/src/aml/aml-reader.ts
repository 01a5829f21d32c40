import { DUAL_NAME, MULTI_NAME, NULL_NAME } from './aml-encoding.ts';

/** AML that is not as it should be, or uses what this interpreter does not know. */
export class AmlError extends Error {
  override readonly name = 'AmlError';
}

const ROOT = 0x5c;
const PARENT = 0x5e;

/** Reads byte code from a place on, and never beyond an end. */
export class AmlReader {
  at: number;
  readonly end: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  /** Another reader from the present place to the same end. */
  copy(): AmlReader {
    return new AmlReader(this.#bytes, this.at, this.end);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** The byte at the present place; undefined at the end. */
  get next(): number | undefined {
    return this.done ? undefined : this.#bytes[this.at];
  }

  byte(): number {
    const byte = this.next;
    if (byte === undefined) throw new AmlError(`the byte code ends at ${this.at}, in the middle of a term`);
    this.at++;
    return byte;
  }

  /** Little-endian, of up to four bytes. */
  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value += this.byte() * 2 ** (8 * i);
    return value;
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.end) throw new AmlError(`${length} bytes at ${this.at} go beyond the end at ${this.end}`);
    this.at += length;
    return this.#bytes.slice(this.at - length, this.at);
  }

  /** ACPI 6.5 §20.2.4, the number that a PkgLength is. */
  length(): number {
    const lead = this.byte();
    const more = lead >> 6;
    return more === 0 ? lead : (lead & 0xf) + this.number(more) * 16;
  }

  /** What a PkgLength at the present place counts, as a reader of its own; this one goes on behind it. */
  package(): AmlReader {
    const start = this.at;
    const end = start + this.length();
    if (end > this.end || end < this.at) throw new AmlError(`the package at ${start} ends at ${end}, outside of what it is in`);
    const inside = new AmlReader(this.#bytes, this.at, end);
    this.at = end;
    return inside;
  }

  /** ACPI 6.5 §20.2.2, NameSeg: always four characters. */
  segment(): string {
    const segment = String.fromCharCode(...this.bytes(4));
    if (!/^[A-Z_][A-Z0-9_]{3}$/.test(segment)) throw new AmlError(`the four bytes at ${this.at - 4} are no name`);
    return segment;
  }

  /** ACPI 6.5 §20.2.2, NameString: prefixes as they are, and the segments. */
  path(): AmlPath {
    let prefix = '';
    while (this.next === ROOT || this.next === PARENT) prefix += String.fromCharCode(this.byte());
    return { prefix, segments: Array.from({ length: this.#segmentCount() }, () => this.segment()) };
  }

  #segmentCount(): number {
    switch (this.next) {
      case NULL_NAME:
        this.byte();
        return 0;
      case DUAL_NAME:
        this.byte();
        return 2;
      case MULTI_NAME:
        this.byte();
        return this.byte();
      default:
        return 1;
    }
  }
}

/** A NameString taken apart. */
export interface AmlPath {
  /** `\`, or a `^` for each level up, or nothing. */
  readonly prefix: string;
  readonly segments: readonly string[];
}
