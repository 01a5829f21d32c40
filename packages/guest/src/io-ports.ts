/** Ports that somebody answers at. Offsets and sizes in bytes. */
export interface PortRange {
  readonly start: number;
  readonly size: number;
  /** A read of `width` bytes at `offset` from `start`. */
  read(offset: number, width: number): number;
  write(offset: number, width: number, value: number): void;
}

/** The I/O port space of a PC: 64 KiB of addresses beside memory. */
export class IoPorts {
  readonly #ranges: PortRange[] = [];

  /** @throws RangeError if somebody answers there already */
  add(range: PortRange): void {
    const twin = this.#ranges.find((each) => range.start < each.start + each.size && each.start < range.start + range.size);
    if (twin !== undefined) throw new RangeError(`ports 0x${range.start.toString(16)} to 0x${(range.start + range.size - 1).toString(16)} are taken`);
    this.#ranges.push(range);
  }

  /** All ones where nobody answers. */
  read(port: number, width: number): number {
    const range = this.#at(port, width);
    return range === undefined ? 2 ** (8 * width) - 1 : range.read(port - range.start, width);
  }

  /** Without effect where nobody answers. */
  write(port: number, width: number, value: number): void {
    const range = this.#at(port, width);
    range?.write(port - range.start, width, value);
  }

  #at(port: number, width: number): PortRange | undefined {
    return this.#ranges.find(({ start, size }) => port >= start && port + width <= start + size);
  }
}
