/** The last bytes of what a program has written. */
export class OutputTail {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  /** Keeps `limit` bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (let first = this.#chunks[0]; first !== undefined && this.#length - first.length >= this.#limit; first = this.#chunks[0]) {
      this.#length -= first.length;
      this.#chunks.shift();
    }
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#length = 0;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#limit).toString();
  }
}
