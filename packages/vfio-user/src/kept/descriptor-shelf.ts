import { closeSync } from 'node:fs';
import { duplicate, duplicatesOf, type SaveDescriptor } from '@vpmem/native';

/** Descriptors that are put aside for another server of this process, as a store of them does it for another process. */
export class DescriptorShelf {
  readonly #byNumber: number[] = [];
  readonly #numbers = new Map<number, number>();

  readonly put: SaveDescriptor = (fd) => {
    const known = this.#numbers.get(fd);
    if (known !== undefined) return known;
    const number = this.#byNumber.push(duplicate(fd)) - 1;
    this.#numbers.set(fd, number);
    return number;
  };

  readonly take = duplicatesOf(this.#byNumber);

  /** What is closed may be another file from now on. */
  readonly forget = (fd: number): void => {
    this.#numbers.delete(fd);
  };

  close(): void {
    for (const fd of this.#byNumber) closeSync(fd);
  }
}
