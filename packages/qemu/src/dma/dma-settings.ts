import { parseSize, type Properties } from '@vpmem/options';
import type { DmaManner } from './dma-manner.ts';
import { isOn } from '../command-line/item-properties.ts';

/** What somebody said of a device himself, which stands. */
export interface DmaSetting {
  /** As it was written, such as `iommu_platform=off`. */
  readonly text: string;
  /** Whether the device is to be as QEMU makes it: it is asked for, or QEMU takes nothing else beside this. */
  readonly plain: boolean;
}

/** Least room for the largest request of Linux. */
const LEAST_ROOM = 2 ** 21;

/** The property that keeps a device of manner `bounced` from reaching the range, if there is one. */
export function hindrance(properties: Properties): DmaSetting | undefined {
  const { iommu_platform: platform, 'disable-legacy': noLegacy, 'disable-modern': noModern, 'x-max-bounce-buffer-size': room } = properties;
  if (isOn(noModern)) return { text: 'disable-modern=on', plain: true };
  if (noLegacy !== undefined && !isOn(noLegacy)) return { text: `disable-legacy=${written(noLegacy)}`, plain: true };
  if (platform !== undefined && !isOn(platform)) return { text: 'iommu_platform=off', plain: true };
  if (room !== undefined && bytes(room) < LEAST_ROOM) return { text: `x-max-bounce-buffer-size=${written(room)}`, plain: false };
  return undefined;
}

/** Whether a virtio-scsi was given what makes it lose reads. */
export function losesReads({ iommu_platform: platform, 'x-max-bounce-buffer-size': room }: Properties): boolean {
  return isOn(platform) && room !== undefined && bytes(room) > 4096;
}

const REQUESTS = 'persistent memory directly (O_DIRECT with a buffer mapped with DAX, or the range used as RAM)';

/** What becomes of a device that does not reach the range, and what to write instead. */
export function dmaProblem(manner: DmaManner, { text = '', lossy = false }: { readonly text?: string; readonly lossy?: boolean } = {}): string {
  switch (manner) {
    case 'bounced':
      return `with ${text} it fails for good when a guest has it read or write ${REQUESTS}; leave ${text} out`;
    case 'transitional':
      return `it fails for good when a guest has it read or write ${REQUESTS}, and QEMU can help only a device without the legacy protocol; leave -transitional out`;
    case 'scsi':
      return lossy
        ? `with iommu_platform=on and x-max-bounce-buffer-size=, what it reads into ${REQUESTS} is lost without an error; use virtio-blk-pci or nvme`
        : `it hangs for good when a guest has it read or write ${REQUESTS}; use virtio-blk-pci or nvme for such disks`;
    case 'outside':
      return `its back end is outside QEMU and cannot read or write ${REQUESTS}`;
  }
}

function written(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value);
}

/** What QEMU will not take for a size it says itself. */
function bytes(value: unknown): number {
  if (typeof value !== 'string') return Number(value);
  try {
    return parseSize(value);
  } catch {
    return Infinity;
  }
}
