import type { ChardevErrorCode } from '@vpmem/chardev';

/** What whoever asked for a monitor got wrong, or why there can be none. */
export type MonitorErrorCode =
  | ChardevErrorCode
  /** Two character devices have the same id. */
  | 'duplicate-id'
  /** No character device has the id. */
  | 'chardev-missing'
  /** A character device can serve one monitor. */
  | 'chardev-busy'
  /** There is one stdin. */
  | 'stdio-twice';

/** A monitor that cannot be had. The message is one line: the option, what is wrong, what would be right. */
export class MonitorError extends Error {
  override readonly name = 'MonitorError';
  readonly code: MonitorErrorCode;

  constructor(code: MonitorErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
