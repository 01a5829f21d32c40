/** Error classes of QMP. Programs may decide by all but `GenericError`. */
export const ERROR_CLASSES = ['GenericError', 'CommandNotFound', 'DeviceNotActive', 'DeviceNotFound', 'KVMMissingCap'] as const;

/** A class of QMP errors, the `class` of an answer. */
export type QmpErrorClass = (typeof ERROR_CLASSES)[number];

/**
 * An error as QMP has it. A handler throws it to answer with it; a client throws it for what the server answered. The message
 * is QMP's `desc`: one sentence for people.
 */
export class QmpError extends Error {
  override readonly name = 'QmpError';
  /** A `QmpErrorClass`, or what another server calls it. */
  readonly errorClass: string;

  constructor(errorClass: QmpErrorClass | (string & {}), desc: string) {
    super(desc);
    this.errorClass = errorClass;
  }
}
