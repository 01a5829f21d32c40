/** What whoever set up the machine got wrong. */
export type MachineErrorCode =
  | 'unknown-type'
  | 'duplicate-id'
  | 'memdev-missing'
  | 'memdev-busy'
  | 'object-missing'
  | 'object-busy'
  | 'device-missing'
  | 'device-busy'
  | 'unplug-pending'
  | 'not-supported'
  | 'bad-size'
  | 'bad-align'
  | 'machine-option'
  | 'machine-state'
  | 'no-device-memory'
  | 'memory-budget'
  | 'memory-slot'
  | 'memory-address'
  | 'memory-conflict'
  | 'memory-fragmented'
  | 'bus-missing'
  | 'bus-full'
  | 'bus-no-hotplug'
  | 'bus-slot'
  | 'socket-path'
  | 'socket-in-use'
  | 'bad-value'
  | 'power-cut'
  | 'recording'
  | 'device-thread'
  | 'guest'
  // What an nvdimm device takes besides, where a machine has that.
  | 'label-size-too-small'
  | 'label-size-too-large'
  | 'backend-too-small'
  | 'read-only-backend'
  | 'hidden-data'
  | 'bad-uuid'
  | 'bad-slot'
  | 'slot-busy';

/** An object or device that cannot be had. The message names the property at fault and what would be right. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: MachineErrorCode;
  /** The property at fault, by QEMU's name. */
  readonly property: string | undefined;

  constructor(code: MachineErrorCode, property: string | undefined, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
    this.property = property;
  }
}
