/** The same numbers each time, from 0 to `below` - 1: a linear congruence modulo 2^32, high bits first. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One of them. */
export function pick<const T>(choices: readonly T[], next: (below: number) => number): T {
  return choices[next(choices.length)] as T;
}
