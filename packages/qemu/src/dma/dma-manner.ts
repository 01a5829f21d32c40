// Pages of a range that somebody serves to QEMU are a mapped BAR to it, not RAM: DMA of every other device to them goes
// through bounce buffers, 4 KiB in all for a device unless it is told otherwise. A guest gets there by O_DIRECT from or to a
// file mapped with DAX, by sending such pages without a copy, and by using the range as RAM (devdax, kmem). Tried with QEMU
// 11.1.3 and Linux 6.12, see docs/specs.md:
//
// - nvme, ide, ahci, pvscsi, lsi53c895a, megasas, am53c974 take turns with the buffer; what goes through is right.
// - virtio maps all of a request at once. Without room it gives the device up for good, a reset aside. It has room with a
//   larger x-max-bounce-buffer-size, but only where it takes the function's own address space, which iommu_platform=on says;
//   and a device that also speaks the protocol before version 1 has no such thing, so disable-legacy=on.
// - virtio-scsi maps each request a second time. With little room both wait for each other; with much, a read arrives, and the
//   first mapping, never filled, is copied over it. So it is better off without.
// - virtio-balloon of Linux does not take iommu_platform; virtio-gpu keeps mappings, which a copy would not follow.
import type { Properties } from '@vpmem/options';

/** How a device of QEMU's takes DMA to a range that is served: with buffers large enough, or not at all, and why. */
export type DmaManner = 'bounced' | 'transitional' | 'scsi' | 'outside';

/** Whether a type also speaks the protocol before version 1. */
const BOUNCED: Readonly<Record<string, { readonly legacy: boolean }>> = {
  'virtio-9p-pci': { legacy: true },
  'virtio-blk-pci': { legacy: true },
  'virtio-crypto-pci': { legacy: false },
  'virtio-net-pci': { legacy: true },
  'virtio-serial-pci': { legacy: true },
  'virtio-sound-pci': { legacy: false },
};

/** Those that people plug in while it runs. */
export const PLUGGED_LATER = ['virtio-blk-pci', 'virtio-net-pci', 'virtio-serial-pci'] as const;

/**
 * Bytes that a device's buffers may have; they are made as they are needed. Linux asks for 1.25 MiB at once, and a disk has 256
 * requests in a queue: 320 MiB.
 */
export const BOUNCE_ROOM = '1G';

const VARIANT = /-(?:non-)?transitional$/;

/** QEMU's own name of a type: `virtio-blk` is short for `virtio-blk-pci`. */
export function fullName(driver: string): string {
  return /^virtio-(?:9p|balloon|blk|gpu|net|rng|scsi|serial|sound)$/.test(driver) ? `${driver}-pci` : driver;
}

/** Undefined for a device that needs nothing. @param driver by its full name */
export function dmaManner(driver: string): DmaManner | undefined {
  if (/^vhost-(?:user|vdpa)-/.test(driver)) return 'outside';
  const base = driver.replace(VARIANT, '');
  if (base === 'virtio-scsi-pci') return 'scsi';
  if (!Object.hasOwn(BOUNCED, base)) return undefined;
  return driver.endsWith('-pci-transitional') ? 'transitional' : 'bounced';
}

/** What gives a type of manner `bounced` room, as properties of it. */
export function bounceProperties(driver: string): Readonly<Record<string, string>> {
  return {
    iommu_platform: 'on',
    ...(BOUNCED[driver]?.legacy === true && { 'disable-legacy': 'on' }),
    'x-max-bounce-buffer-size': BOUNCE_ROOM,
  };
}

/** What leaves one device of such a type as QEMU would make it. @param given what is said of it, which stands */
export function plainProperties(driver: string, given: Properties): Readonly<Record<string, string>> {
  const plain = { iommu_platform: 'off', ...(BOUNCED[driver]?.legacy === true && { 'disable-legacy': 'auto' }) };
  return Object.fromEntries(Object.entries(plain).filter(([name]) => !(name in given)));
}

/** For whoever gives a range to a QEMU himself: options of it for the usual disk, in one line that a shell takes for a comment. */
export const DMA_ADVICE = `# for disks that read or write persistent memory directly: ${Object.entries(bounceProperties('virtio-blk-pci'))
  .map(([name, value]) => `-global virtio-blk-pci.${name}=${value}`)
  .join(' ')}`;
