import { duplicate } from './descriptor.ts';

/**
 * Puts a descriptor aside for the process that continues this one's work. The caller keeps its own.
 *
 * @returns the number by which a saved state names it; the same for the same descriptor
 */
export type SaveDescriptor = (fd: number) => number;

/**
 * Gives a descriptor back by the number of a saved state: one of the caller's own, close-on-exec.
 *
 * @throws RangeError if there is none of that number
 */
export type TakeDescriptor = (number: number) => number;

/** Numbers descriptors from 0 on, in the order in which a state first names them. */
export class DescriptorNumbers {
  readonly #numbers = new Map<number, number>();

  readonly put: SaveDescriptor = (fd) => {
    const number = this.#numbers.get(fd) ?? this.#numbers.size;
    this.#numbers.set(fd, number);
    return number;
  };

  /** The descriptors that were named, by their numbers. */
  get all(): number[] {
    return [...this.#numbers.keys()];
  }
}

/** Gives duplicates of `descriptors` by their numbers; what is in it later counts too. */
export function duplicatesOf(descriptors: readonly number[]): TakeDescriptor {
  return (number) => {
    const fd = descriptors[number];
    if (fd === undefined) throw new RangeError(`there is no descriptor ${String(number)} in what was saved`);
    return duplicate(fd);
  };
}
