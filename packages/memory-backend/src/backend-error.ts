/** What the host, not a guest, got wrong. */
export type BackendErrorCode =
  | 'bad-size'
  | 'bad-align'
  | 'bad-offset'
  | 'size-mismatch'
  | 'not-found'
  | 'not-a-file'
  | 'no-access'
  | 'no-space'
  | 'conflict'
  | 'in-use'
  | 'bad-node'
  | 'io';

/** A memory backend that cannot be had. The message names the property at fault and what would be right. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  readonly code: BackendErrorCode;
  /** The option at fault, by QEMU's name. */
  readonly property: string;

  constructor(code: BackendErrorCode, property: string, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
    this.property = property;
  }
}
