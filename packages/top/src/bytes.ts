const UNITS = ['B', 'K', 'M', 'G', 'T', 'P'];

/** About so many bytes, in five columns at most: `0B`, `512B`, `4.0K`, `256M`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const exact = Number.isInteger(value) || value >= 99.95;
  return `${exact ? Math.round(value) : value.toFixed(1)}${UNITS[unit] ?? ''}`;
}
