// QEMU 10.1 to 11.1 abort when a function is unplugged that they have seen MSI-X of. They look for it once, in a copy of the
// whole configuration space made while the device is plugged in, and ask us again whenever the guest reads: so the guest can
// have a capability that its VMM knows nothing of. Table, masks and pending bits are kept here then, and messages leave as
// writes to the guest's memory.
import { CAPABILITY_MSIX, CAPABILITY_VENDOR, PciHeader, type PciFunction } from '@vpmem/pci';
import { REGION_CONFIG } from './protocol.ts';

/** No processor reads more at a time. */
const WIDEST_ACCESS = 8;

/** Whether a read is no guest's, but a client's that copies configuration space. */
export function isCopy({ region, count }: { readonly region: number; readonly count: number }): boolean {
  return region === REGION_CONFIG && count > WIDEST_ACCESS;
}

/** In a copy of configuration space from `offset` on, makes MSI-X a capability that means nothing to a client. */
export function coverMsix(pci: PciFunction, offset: number, copy: Uint8Array): void {
  const at = findCapability(pci, CAPABILITY_MSIX);
  if (at !== undefined && at >= offset && at < offset + copy.length) copy[at - offset] = CAPABILITY_VENDOR;
}

function findCapability(pci: PciFunction, id: number): number | undefined {
  let at = pci.readConfig(PciHeader.fields.capabilities_pointer.offset, 1);
  while (at !== 0 && pci.readConfig(at, 1) !== id) at = pci.readConfig(at + 1, 1);
  return at === 0 ? undefined : at;
}
