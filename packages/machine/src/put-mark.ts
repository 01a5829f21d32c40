/** A device as far as marks go. */
export interface MarkedDevice {
  readonly backing: { mark(text: string, done: (marked: boolean | Error) => void): void };
}

/**
 * Puts a mark into the recordings of devices, after all flushes that were asked for before. `done` hears in how many it is, when it is; it
 * may be called at once.
 */
export function putMark(devices: readonly MarkedDevice[], text: string, done: (marked: number) => void): void {
  let waiting = devices.length + 1;
  let count = 0;
  const answered = (marked: boolean | Error): void => {
    if (marked === true) count++;
    if (--waiting === 0) done(count);
  };
  for (const { backing } of devices) backing.mark(text, answered);
  answered(false);
}
