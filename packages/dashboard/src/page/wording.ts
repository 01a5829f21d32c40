// Figures in words. What is exact elsewhere is exact here: counts have all their digits.
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Of a second; small ones with a digit more. */
export function perSecond(value: number): string {
  return value === 0 || value >= 10 ? count(Math.round(value)) : value.toFixed(1);
}

/** In the largest unit of which there is one; three digits. */
export function bytes(value: number): string {
  const unit = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  const amount = value / 1024 ** unit;
  return `${unit === 0 || Number.isInteger(amount) ? count(amount) : amount.toPrecision(amount >= 1000 ? 4 : 3)} ${UNITS[unit] ?? ''}`;
}

/** Three digits at least, and all there are below a millisecond. */
export function microseconds(value: number): string {
  if (value < 1000) return `${Math.round(value)} µs`;
  return value < 1_000_000 ? `${short(value / 1000)} ms` : `${short(value / 1_000_000)} s`;
}

export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** `20:31:05`, in the reader's own time zone. */
export function clock(time: number): string {
  return new Date(time).toLocaleTimeString('en-GB');
}

/** With the day, where it is another than today's. */
export function moment(time: number, now: number): string {
  const [day, today] = [time, now].map((each) => new Date(each).toLocaleDateString('sv-SE'));
  return day === today ? clock(time) : `${day ?? ''} ${clock(time)}`;
}

function short(value: number): string {
  return value >= 100 ? count(Math.round(value)) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
