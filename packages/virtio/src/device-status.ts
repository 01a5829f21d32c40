/** VIRTIO 1.4 §2.1: bits of the device status field. */
export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const SUSPEND = 16;
export const DEVICE_NEEDS_RESET = 64;
export const FAILED = 128;

/** What setting a bit starts in the device; it may refuse, and the bit then stays clear. */
export type StatusAction = 'negotiate' | 'activate';

/** VIRTIO 1.4 §3.1.1: the bits a driver sets, in order, and what has to be set before each. */
const STEPS: readonly { readonly bit: number; readonly after: number; readonly action?: StatusAction }[] = [
  { bit: ACKNOWLEDGE, after: 0 },
  { bit: DRIVER, after: ACKNOWLEDGE },
  { bit: FEATURES_OK, after: ACKNOWLEDGE | DRIVER, action: 'negotiate' },
  { bit: DRIVER_OK, after: ACKNOWLEDGE | DRIVER | FEATURES_OK, action: 'activate' },
  { bit: FAILED, after: 0 },
];

/**
 * The status after a driver wrote `written` (not 0, which is a reset) over `status`. Bits set before stay set; bits whose
 * predecessors are missing, and bits that are the device's, stay clear.
 */
export function advanceStatus(status: number, written: number, perform: (action: StatusAction) => boolean): number {
  let next = status;
  for (const { bit, after, action } of STEPS) {
    if ((written & bit) === 0 || (next & bit) !== 0 || (next & after) !== after) continue;
    if (action === undefined || perform(action)) next |= bit;
  }
  return next;
}
