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
