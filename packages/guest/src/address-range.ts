/** Guest-physical address space to hand out, and to take back; first fit. */
export class AddressRange {
  readonly start: bigint;
  readonly end: bigint;
  /** By address; only what is reserved may overlap. */
  #taken: { readonly start: bigint; readonly end: bigint }[] = [];

  /** From `start` up to, not including, `end`. */
  constructor(start: bigint, end: bigint) {
    this.start = start;
    this.end = end;
  }

  /** The lowest free `size` bytes at a multiple of `align`, by default naturally aligned; undefined if there are none. */
  allocate(size: bigint, align = size): bigint | undefined {
    let at = alignUp(this.start, align);
    let index = 0;
    for (const taken of this.#taken) {
      if (at + size <= taken.start) break;
      at = alignUp(taken.end > at ? taken.end : at, align);
      index++;
    }
    if (at + size > this.end) return undefined;
    this.#taken.splice(index, 0, { start: at, end: at + size });
    return at;
  }

  /** Keeps bytes from being handed out, whatever of them is in here. */
  reserve(start: bigint, size: bigint): void {
    this.#taken.push({ start, end: start + size });
    this.#taken.sort((a, b) => (a.start < b.start ? -1 : Number(a.start > b.start)));
  }

  /** Takes back what {@link allocate} returned. */
  free(address: bigint): void {
    this.#taken = this.#taken.filter(({ start }) => start !== address);
  }
}

/** `value` rounded up to a multiple of `align`. */
export function alignUp(value: bigint, align: bigint): bigint {
  return ((value + align - 1n) / align) * align;
}
