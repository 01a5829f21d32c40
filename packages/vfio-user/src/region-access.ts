import type { AccessWidth } from '@vpmem/layout';
import { COMMAND_MEMORY, PciHeader, type PciFunction } from '@vpmem/pci';
import { REGION_CONFIG } from './protocol.ts';

/** The largest naturally aligned access that fits at `offset` with `left` bytes to go. */
function widthAt(offset: number, left: number): AccessWidth {
  if (offset % 4 === 0 && left >= 4) return 4;
  return offset % 2 === 0 && left >= 2 ? 2 : 1;
}

/** Bytes of a region; 0 where the device has none. */
export function regionSize(pci: PciFunction, region: number): number {
  return region === REGION_CONFIG ? pci.configSize : (pci.bars[region]?.size ?? 0);
}

/** Reads `target.length` bytes of a region, in the accesses a CPU would make. What does not exist reads as 0. */
export function readRegion(pci: PciFunction, region: number, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; ) {
    const width = widthAt(offset + done, target.length - done);
    const value = region === REGION_CONFIG ? pci.readConfig(offset + done, width) : (pci.bars[region]?.read(offset + done, width) ?? 0);
    for (let i = 0; i < width; i++) target[done + i] = value / 256 ** i;
    done += width;
  }
}

/** Writes `source` to a region, in the accesses a CPU would make. */
export function writeRegion(pci: PciFunction, region: number, offset: number, source: Uint8Array): void {
  for (let done = 0; done < source.length; ) {
    const width = widthAt(offset + done, source.length - done);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (source[done + i] ?? 0);
    if (region === REGION_CONFIG) pci.writeConfig(offset + done, width, value);
    else pci.bars[region]?.write(offset + done, width, value);
    done += width;
  }
}

/** Whether some of these guest-physical addresses are a BAR's of the function, as it decodes them now. */
export function decodes(pci: PciFunction, address: number, size: number): boolean {
  const { command, bar } = PciHeader.fields;
  if ((pci.readConfig(command.offset, 2) & COMMAND_MEMORY) === 0) return false;
  return pci.bars.some((each, index) => {
    if (each === undefined) return false;
    const at = bar.offset + 4 * index;
    const high = each.is64 ? pci.readConfig(at + 4, 4) : 0;
    const start = high * 2 ** 32 + ((pci.readConfig(at, 4) & ~0xf) >>> 0);
    return address < start + each.size && start < address + size;
  });
}
