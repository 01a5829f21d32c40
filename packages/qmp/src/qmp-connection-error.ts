/** Why a client cannot go on. */
export type QmpConnectionErrorCode =
  /** There is no connection, or none any more. */
  | 'ended'
  /** The caller's signal said so. */
  | 'aborted'
  /** The other side does not speak QMP. */
  | 'not-qmp'
  /** An answer that does not have the shape that the schema gives it. */
  | 'bad-answer';

/** Trouble with the connection or the server, not an error that a command answered. */
export class QmpConnectionError extends Error {
  override readonly name = 'QmpConnectionError';
  readonly code: QmpConnectionErrorCode;

  constructor(code: QmpConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
