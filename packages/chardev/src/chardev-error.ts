/** What is wrong with a character device, or why it cannot be had. */
export type ChardevErrorCode =
  /** There is no such kind of character device. */
  | 'unknown-backend'
  /** A socket's address is missing, given twice or not one. */
  | 'bad-address'
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

/** A character device that cannot be had. The message is one line: what is wrong, what would be right. */
export class ChardevError extends Error {
  override readonly name = 'ChardevError';
  readonly code: ChardevErrorCode;

  constructor(code: ChardevErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
