/** What is seen of time, in milliseconds of the server's clock that does not jump; and where that is, in pixels. */
export interface TimeAxis {
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly right: number;
}

/** Steps between marks, in milliseconds. */
const STEPS = [60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 21_600_000];

export function placeOf({ from, to, left, right }: TimeAxis, at: number): number {
  return left + ((at - from) / (to - from)) * (right - left);
}

export function timeAt({ from, to, left, right }: TimeAxis, x: number): number {
  return from + (Math.min(1, Math.max(0, (x - left) / (right - left)))) * (to - from);
}

/** Whole minutes or hours by people's clock, `most` at most. `offset`: what that clock is ahead. */
export function timeMarks({ from, to }: TimeAxis, offset: number, most: number): number[] {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? 43_200_000;
  // Hours begin where they do in the reader's time zone.
  const zone = new Date(to + offset).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from + offset - zone) / step) * step - offset + zone;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => first + i * step);
}

/** A round figure not below `value`: what an axis ends at. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8].find((each) => each * power >= value) ?? 10) * power;
}

/** The same of bytes, where round is a power of two. */
export function roundUpBytes(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
