/** Calls back after some milliseconds, and never after what it returns was called. */
export type After = (milliseconds: number, callback: () => void) => () => void;

/** Node's timers: for threads whose event loop runs. */
export const afterNode: After = (milliseconds, callback) => {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
};
