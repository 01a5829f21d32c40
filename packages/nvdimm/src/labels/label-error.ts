/** What a label area cannot do. */
export type LabelErrorCode = 'area-too-small' | 'bad-name' | 'bad-uuid' | 'bad-range' | 'uuid-in-use' | 'no-room' | 'no-slot';

/** A namespace that cannot be made. Nothing was written. */
export class LabelError extends Error {
  override readonly name = 'LabelError';
  readonly code: LabelErrorCode;

  constructor(code: LabelErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
