/** The middle of some measurements; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** The quarter points of some measurements; between two of them, where none is there. */
export function quarters(values: readonly number[]): [lower: number, upper: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)] ?? NaN;
    return below + ((sorted[Math.ceil(place)] ?? NaN) - below) * (place % 1);
  };
  return [at(0.25), at(0.75)];
}

/** Distance between the quarter points, as a share of the median: how far to trust it. */
export function spread(values: readonly number[]): number {
  const [lower, upper] = quarters(values);
  return (upper - lower) / median(values);
}

/** Of each round: one measurement to another of the same round. */
export function ratios(values: readonly number[], to: readonly number[]): number[] {
  return values.map((value, round) => value / (to[round] ?? NaN));
}

/** Half of the distance between the quarter points, in percent of the median: `±4 %`. */
export function plusMinus(values: readonly number[]): string {
  return `±${(spread(values) * 50).toFixed(0)} %`;
}

/** Three significant digits. */
export function short(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
