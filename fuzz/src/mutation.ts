import type { Random } from './random.ts';

/** Numbers at which something usually changes. */
const EDGES = [0, 1, 2, 3, 4, 8, 15, 16, 17, 31, 32, 63, 64, 127, 128, 129, 255, 256, 257, 4095, 4096, 4097, 32767, 32768, 65535, 65536, 2 ** 20, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const MOST_CHANGES = 6;
const LONGEST_BLOCK = 64;

/** Makes new inputs of old ones. What it makes depends on nothing but the random numbers and what it is given. */
export class Mutator {
  readonly #random: Random;
  readonly #maxLength: number;
  readonly #words: readonly Uint8Array[];
  readonly #numbers: readonly number[];

  /** `literals` are worth trying: what stands in the code. */
  constructor(random: Random, { maxLength, literals }: { readonly maxLength: number; readonly literals: readonly (string | number)[] }) {
    this.#random = random;
    this.#maxLength = maxLength;
    this.#words = literals.filter((each) => typeof each === 'string').map((each) => new TextEncoder().encode(each));
    this.#numbers = [...EDGES, ...literals.filter((each) => typeof each === 'number')];
  }

  /** `input` with a few changes; `other` is one to take pieces from. */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    let result = input;
    for (let left = 1 + this.#random.below(MOST_CHANGES); left > 0; left--) result = this.#random.pick(this.#changes)(result, other);
    return result.subarray(0, this.#maxLength);
  }

  readonly #changes: readonly ((input: Uint8Array, other: Uint8Array) => Uint8Array)[] = [
    (input) => this.#overwrite(input, 1, (bytes, at) => (bytes[at] = (bytes[at]!) ^ (1 << this.#random.below(8)))),
    (input) => this.#overwrite(input, 1, (bytes, at) => (bytes[at] = this.#random.below(256))),
    (input) => this.#overwrite(input, 1, (bytes, at) => (bytes[at] = (bytes[at]!) + this.#random.below(17) - 8)),
    (input) => this.#number(input),
    (input) => this.#number(input),
    (input) => this.#splice(input, 0, this.#block(input)),
    (input) => this.#splice(input, 0, Uint8Array.from({ length: 1 + this.#random.below(8) }, () => this.#random.below(256))),
    (input) => this.#splice(input, 1 + this.#random.below(Math.min(LONGEST_BLOCK, input.length)), new Uint8Array(0)),
    (input) => this.#splice(input, 1 + this.#random.below(8), new Uint8Array(0)),
    (input, other) => this.#splice(input, 0, this.#block(other)),
    (input, other) => this.#replace(input, this.#block(other)),
    (input) => this.#replace(input, this.#block(input)),
    (input, other) => concat(input.subarray(0, this.#random.below(input.length + 1)), other.subarray(this.#random.below(other.length + 1))),
    (input) => (this.#words.length === 0 ? input : this.#splice(input, 0, this.#random.pick(this.#words))),
    (input) => (this.#words.length === 0 ? input : this.#replace(input, this.#random.pick(this.#words))),
  ];

  /** A number of the list, or next to one, in 1, 2, 4 or 8 bytes. */
  #number(input: Uint8Array): Uint8Array {
    const width = 1 << this.#random.below(4);
    const value = BigInt.asUintN(64, BigInt(Math.trunc(this.#random.pick(this.#numbers))) + BigInt(this.#random.below(3) - 1));
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    const end = this.#random.once(4) ? bytes.subarray(0, width).reverse() : bytes.subarray(0, width);
    return this.#random.once(4) ? this.#splice(input, 0, end) : this.#replace(input, end);
  }

  #overwrite(input: Uint8Array, width: number, change: (bytes: Uint8Array, at: number) => void): Uint8Array {
    if (input.length < width) return Uint8Array.of(this.#random.below(256));
    const bytes = input.slice();
    change(bytes, this.#random.below(bytes.length - width + 1));
    return bytes;
  }

  /** Puts `piece` over what is there. */
  #replace(input: Uint8Array, piece: Uint8Array): Uint8Array {
    const at = this.#random.below(input.length + 1);
    return concat(input.subarray(0, at), piece, input.subarray(at + piece.length));
  }

  /** Puts `piece` in the place of `removed` bytes. */
  #splice(input: Uint8Array, removed: number, piece: Uint8Array): Uint8Array {
    const at = this.#random.below(input.length + 1);
    return concat(input.subarray(0, at), piece, input.subarray(at + removed));
  }

  #block(bytes: Uint8Array): Uint8Array {
    const at = this.#random.below(bytes.length + 1);
    return bytes.subarray(at, at + 1 + this.#random.below(LONGEST_BLOCK));
  }
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
