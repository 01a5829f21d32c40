import type { PciBridgeInfo, PciBusInfo, PciFunctionInfo, PciRegionInfo, PciWindow } from '@vpmem/machine';
import { pciClassName } from '../pci-class.ts';

/** `info pci` in QEMU's layout. */
export function showPci(buses: readonly PciBusInfo[]): string[] {
  return buses.flatMap(({ number, functions }) => functions.flatMap((each) => showFunction(number, each)));
}

function showFunction(bus: number, info: PciFunctionInfo): string[] {
  const { slot, function: number, subsystemId, subsystemVendorId, irqPin, irq, bridge, regions, id } = info;
  return [
    `  Bus ${String(bus).padStart(2)}, device ${String(slot).padStart(3)}, function ${number}:`,
    `    ${pciClassName(info.class) ?? `Class ${String(info.class).padStart(4, '0')}`}: PCI device ${hex4(info.vendorId)}:${hex4(info.deviceId)}`,
    // A bridge has other registers there.
    ...(bridge === undefined ? [`      PCI subsystem ${hex4(subsystemVendorId)}:${hex4(subsystemId)}`] : []),
    ...(irqPin === 0 ? [] : [`      IRQ ${irq}, pin ${'ABCD'.charAt(irqPin - 1)}`]),
    ...(bridge === undefined ? [] : showBridge(bridge)),
    ...regions.map(showRegion),
    `      id "${id ?? ''}"`,
    ...(bridge === undefined ? [] : bridge.functions.flatMap((behind) => showFunction(bridge.secondary, behind))),
  ];
}

function showBridge({ primary, secondary, subordinate, io, memory, prefetchable }: PciBridgeInfo): string[] {
  return [
    `      BUS ${primary}.`,
    `      secondary bus ${secondary}.`,
    `      subordinate bus ${subordinate}.`,
    ...showWindow('IO range', io, 4),
    ...showWindow('memory range', memory, 8),
    ...showWindow('prefetchable memory range', prefetchable, 8),
  ];
}

function showWindow(name: string, window: PciWindow | undefined, digits: number): string[] {
  return window === undefined ? [] : [`      ${name} [${hex(window.base, digits)}, ${hex(window.limit, digits)}]`];
}

function showRegion({ bar, address, size, prefetch, is64 }: PciRegionInfo): string {
  const kind = `      BAR${bar}: ${is64 ? 64 : 32} bit ${prefetch ? 'prefetchable ' : ''}memory`;
  if (address === undefined) return `${kind} (not mapped)`;
  return `${kind} at ${hex(address, 8)} [${hex(address + BigInt(size) - 1n, 8)}]`;
}

function hex(value: bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}
