/** Classes in QEMU's words (seen in QEMU 11.1); others it shows as numbers. */
const CLASSES: Readonly<Record<number, string>> = {
  0x0100: 'SCSI controller',
  0x0101: 'IDE controller',
  0x0106: 'SATA controller',
  0x0200: 'Ethernet controller',
  0x0300: 'VGA controller',
  0x0403: 'Audio controller',
  0x0600: 'Host bridge',
  0x0601: 'ISA bridge',
  0x0604: 'PCI bridge',
  0x0680: 'Bridge',
  0x0c03: 'USB controller',
  0x0c05: 'SMBus',
};

/** A class in words, or undefined for one that QEMU shows as a number. */
export function pciClassName(code: number): string | undefined {
  return CLASSES[code];
}
