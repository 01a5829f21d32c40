/** A time for people: `412 µs`, `1.3 ms`, `2.0 s`. */
export function formatMicroseconds(time: number): string {
  return time < 1000 ? `${Math.round(time)} µs` : time < 1_000_000 ? `${(time / 1000).toFixed(1)} ms` : `${(time / 1_000_000).toFixed(1)} s`;
}
