/** Where a number is on an axis of which each factor takes the same room. */
export interface LogScale {
  /** Round numbers within it, from low to high. */
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** An axis that has room for all `values`, and for each of `also`; from the pixel `from` to the pixel `to`. Numbers that are not above 0 have no place. */
export function logScale(values: readonly number[], also: readonly number[], from: number, to: number): LogScale {
  const shown = [...values, ...also].filter((value) => value > 0 && Number.isFinite(value));
  const [least, most] = shown.length === 0 ? [1, 10] : [Math.min(...shown), Math.max(...shown)];
  // A little more than is needed, so that nothing lies on the edge.
  const [low, high] = [Math.log(least / 1.12), Math.log(most * 1.12)];
  const at = (value: number): number => from + ((Math.log(value) - low) / (high - low)) * (to - from);
  return { at, ticks: roundNumbers(Math.exp(low), Math.exp(high)) };
}

/** The coarsest round numbers of which at least three lie between two; as many as there are where they are close. */
function roundNumbers(low: number, high: number): number[] {
  const steps = [[1], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]];
  const decades = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 }, (_, i) => Math.floor(Math.log10(low)) + i);
  const within = (of: readonly number[]): number[] => decades.flatMap((decade) => of.map((step) => Number((step * 10 ** decade).toPrecision(3)))).filter((tick) => tick >= low && tick <= high);
  return steps.map(within).find((ticks) => ticks.length >= 3) ?? within(steps.at(-1) ?? []);
}
