import type { FrameStart } from './frame.ts';

/** A frame, where it lies, and the flush it is about. */
export interface TableRow extends FrameStart {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Of an asked or answered flush; 0 of everything else. */
  readonly number: number;
}

/** All frames of a recording without their payloads, in columns: some 40 bytes each. A frame's seq is its place. */
export class FrameTable {
  #length = 0;
  #types = new Uint8Array(256);
  #flags = new Uint8Array(256);
  #lengths = new Uint32Array(256);
  #offsets = new Float64Array(256);
  #times = new Float64Array(256);
  #numbers = new Float64Array(256);

  get length(): number {
    return this.#length;
  }

  push({ type, flags, length, offset, time, number }: TableRow): void {
    if (this.#length === this.#types.length) this.#grow();
    const at = this.#length++;
    this.#types[at] = type;
    this.#flags[at] = flags;
    this.#lengths[at] = length;
    this.#offsets[at] = offset;
    this.#times[at] = time;
    this.#numbers[at] = number;
  }

  type(frame: number): number {
    return this.#types[frame] ?? 0;
  }

  flags(frame: number): number {
    return this.#flags[frame] ?? 0;
  }

  time(frame: number): number {
    return this.#times[frame] ?? 0;
  }

  /** @throws RangeError if there is none */
  row(frame: number): TableRow {
    if (frame < 0 || frame >= this.#length) throw new RangeError(`frame ${frame} of ${this.#length}`);
    return {
      seq: frame,
      type: this.type(frame),
      flags: this.flags(frame),
      length: this.#lengths[frame] ?? 0,
      offset: this.#offsets[frame] ?? 0,
      time: this.time(frame),
      number: this.#numbers[frame] ?? 0,
    };
  }

  /** Forgets what comes behind the first `length`. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  #grow(): void {
    const bigger = <T extends Uint8Array | Uint32Array | Float64Array>(column: T, grown: T): T => {
      grown.set(column);
      return grown;
    };
    const length = 2 * this.#length;
    this.#types = bigger(this.#types, new Uint8Array(length));
    this.#flags = bigger(this.#flags, new Uint8Array(length));
    this.#lengths = bigger(this.#lengths, new Uint32Array(length));
    this.#offsets = bigger(this.#offsets, new Float64Array(length));
    this.#times = bigger(this.#times, new Float64Array(length));
    this.#numbers = bigger(this.#numbers, new Float64Array(length));
  }
}
