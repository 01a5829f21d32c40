import { CAPABILITY_MSIX, Msix, PciHeader, type PciFunction } from '@vpmem/pci';

/** Where a function says its MSI-X capability and table are, and the copy of both that a client keeps. */
export interface RemoteMsix {
  /** Offset of the capability in configuration space. */
  readonly at: number;
  /** BAR and offset of the table. */
  readonly bar: number;
  readonly tableOffset: number;
  readonly msix: Msix;
}

/** Looks for MSI-X in a function's capability list. */
export function findMsix(pci: Pick<PciFunction, 'readConfig'>): RemoteMsix | undefined {
  // PCI 3.0 §6.7: at most 48 capabilities fit, so a longer list is a loop.
  let at = pci.readConfig(PciHeader.fields.capabilities_pointer.offset, 1) & ~3;
  for (let seen = 0; at !== 0 && seen < 48; seen++) {
    if (pci.readConfig(at, 1) === CAPABILITY_MSIX) {
      const vectors = (pci.readConfig(at + 2, 2) & 0x7ff) + 1;
      const table = pci.readConfig(at + 4, 4);
      return { at, bar: table & 7, tableOffset: table & ~7, msix: new Msix(vectors, table & 7) };
    }
    at = pci.readConfig(at + 1, 1) & ~3;
  }
  return undefined;
}
