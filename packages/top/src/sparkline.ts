const LEVELS = '▁▂▃▄▅▆▇█';

/** The last `width` values as bars, the highest of them full; a gap where one is not known. Ends at the right. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  if (width <= 0) return '';
  const shown = values.slice(-width);
  const highest = Math.max(0, ...shown.map((value) => value ?? 0));
  const bars = shown.map((value) => (value === undefined ? ' ' : LEVELS.charAt(highest === 0 ? 0 : Math.round((value / highest) * (LEVELS.length - 1)))));
  return bars.join('').padStart(width);
}
