import { NvdimmError } from './nvdimm-error.ts';

/** UEFI 2.7 §13.19: the least room for two index blocks and their labels; also the least QEMU takes. */
export const MIN_LABEL_SIZE = 128 * 1024;

/** The label functions of _DSM count in 32 bits. */
const MAX_LABEL_SIZE = 2 ** 32 - 1;

/** As many NVDIMMs as QEMU's `slots=` allows DIMMs. */
export const MAX_SLOTS = 256;

/** What an NVDIMM has to know of its memory backend before it takes it. */
export interface NvdimmMemory {
  /** Id of the backend. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes the visible range has to be a multiple of; a power of two. */
  readonly align: number;
  /** The guest may not write to it: the backend's readonly=on. */
  readonly readonly: boolean;
}

/** Options of QEMU's `-device nvdimm` that decide what lies where. */
export interface NvdimmLayoutOptions {
  /** Bytes at the end of the backend that hold labels; 0, the default, for none. */
  readonly labelSize?: number;
  /** Tell the guest that what it writes will not persist. Default false. */
  readonly unarmed?: boolean;
}

/** Where things lie in the backend, in bytes: what the guest sees from 0 on, then perhaps a gap, then the label area to its end. */
export interface NvdimmLayout {
  /** Size of the memory the guest sees. */
  readonly pmemSize: number;
  readonly labelOffset: number;
  /** 0 if there are no labels. */
  readonly labelSize: number;
}

/** Lays an NVDIMM out on its backend, as QEMU does. @throws NvdimmError */
export function layOutNvdimm(memory: NvdimmMemory, { labelSize = 0, unarmed = false }: NvdimmLayoutOptions = {}): NvdimmLayout {
  const { id, size, align, readonly } = memory;
  if (labelSize !== 0) checkLabelSize(labelSize);
  const pmemSize = Math.floor((size - labelSize) / align) * align;
  if (pmemSize <= 0) {
    const parts = labelSize === 0 ? `the least memory of ${align} bytes` : `a label area of ${labelSize} bytes and at least ${align} bytes of memory before it`;
    const advice = `size=${labelSize + align} or more would be right${labelSize > MIN_LABEL_SIZE ? ', or a smaller label-size' : ''}`;
    throw new NvdimmError('backend-too-small', 'memdev', `memdev '${id}' has ${size} bytes, which do not hold ${parts}; ${advice}`);
  }
  if (readonly && !unarmed) {
    throw new NvdimmError('read-only-backend', 'unarmed', `memdev '${id}' has readonly=on, so the guest has to be told that nothing it writes persists; give unarmed=on`);
  }
  return { pmemSize, labelOffset: size - labelSize, labelSize };
}

function checkLabelSize(labelSize: number): void {
  if (labelSize < MIN_LABEL_SIZE) {
    throw new NvdimmError(
      'label-size-too-small',
      'label-size',
      `label-size ${labelSize} is too small for namespace labels; it has to be ${MIN_LABEL_SIZE} (128K) or more, or 0 for none`,
    );
  }
  if (labelSize > MAX_LABEL_SIZE) {
    throw new NvdimmError(
      'label-size-too-large',
      'label-size',
      `label-size ${labelSize} is more than a guest can address, which is ${MAX_LABEL_SIZE}; ${MIN_LABEL_SIZE} (128K) holds hundreds of labels`,
    );
  }
}

/** Checks the number of a slot. @throws NvdimmError */
export function checkSlot(slot: number): void {
  if (Number.isInteger(slot) && slot >= 0 && slot < MAX_SLOTS) return;
  throw new NvdimmError('bad-slot', 'slot', `slot ${slot} is none; slots are numbered from 0 to ${MAX_SLOTS - 1}`);
}
