/** An entry of the capability list (PCI 3.0 §6.7), without the two bytes for its id and the next pointer. */
export interface Capability {
  readonly id: number;
  /** What follows id and next pointer. */
  readonly body: Uint8Array;
  /** Bits of `body` a driver may change; none when absent. */
  readonly writable?: Uint8Array;
  /** Called before a read that touches the capability; `body` may be updated. Offsets count from the id. */
  beforeRead?(offset: number, width: number): void;
  /** Called after a write that touched the capability. */
  afterWrite?(offset: number, width: number): void;
}

/** PCI 3.0 appendix H: vendor specific. */
export const CAPABILITY_VENDOR = 0x09;
/** PCI 3.0 appendix H: MSI-X. */
export const CAPABILITY_MSIX = 0x11;
