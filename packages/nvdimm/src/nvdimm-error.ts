/** What the host got wrong about an NVDIMM. */
export type NvdimmErrorCode =
  | 'label-size-too-small'
  | 'label-size-too-large'
  | 'backend-too-small'
  | 'read-only-backend'
  | 'hidden-data'
  | 'bad-uuid'
  | 'bad-slot'
  | 'slot-busy';

/** An NVDIMM that cannot be had. The message names the option at fault and what would be right; nothing was changed. */
export class NvdimmError extends Error {
  override readonly name = 'NvdimmError';
  readonly code: NvdimmErrorCode;
  /** The option at fault, by QEMU's name. */
  readonly property: string;

  constructor(code: NvdimmErrorCode, property: string, message: string) {
    super(message);
    this.code = code;
    this.property = property;
  }
}
