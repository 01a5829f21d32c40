/** What whoever asked for a monitor got wrong, or why there can be none. */
export type MonitorErrorCode =
  /** There is no such kind of character device. */
  | 'unknown-backend'
  /** A socket's address is missing, given twice or not one. */
  | 'bad-address'
  /** Two character devices have the same id. */
  | 'duplicate-id'
  /** No character device has the id. */
  | 'chardev-missing'
  /** A character device can serve one monitor. */
  | 'chardev-busy'
  /** There is one stdin. */
  | 'stdio-twice'
  /** An option makes no sense together with another. */
  | 'conflict'
  /** A path where no socket can be. */
  | 'socket-path'
  /** Somebody listens there already. */
  | 'socket-in-use'
  /** The address cannot be listened at. */
  | 'listen'
  /** Nobody could be reached. */
  | 'connect';

/** A monitor that cannot be had. The message is one line: the option, what is wrong, what would be right. */
export class MonitorError extends Error {
  override readonly name = 'MonitorError';
  readonly code: MonitorErrorCode;

  constructor(code: MonitorErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
