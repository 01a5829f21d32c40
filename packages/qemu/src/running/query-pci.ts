import type { PciBridgeInfo, PciBusInfo, PciFunctionInfo, PciRegionInfo, PciWindow } from '@vpmem/machine';
import { ask, type QemuMonitor } from './qemu-monitor.ts';

interface Range {
  readonly base: number | bigint;
  readonly limit: number | bigint;
}

/** QAPI's PciDeviceInfo. */
interface QemuFunction {
  readonly slot: number;
  readonly function: number;
  readonly class_info: { readonly class: number };
  readonly id: { readonly vendor: number; readonly device: number; readonly subsystem?: number; readonly 'subsystem-vendor'?: number };
  readonly irq?: number;
  readonly irq_pin: number;
  /** Empty if none was given. */
  readonly qdev_id: string;
  readonly regions: readonly QemuRegion[];
  readonly pci_bridge?: QemuBridge;
}

interface QemuRegion {
  readonly bar: number;
  readonly type: string;
  /** -1 while the guest has given none. */
  readonly address: number | bigint;
  readonly size: number;
  readonly prefetch?: boolean;
  readonly mem_type_64?: boolean;
}

interface QemuBridge {
  readonly bus: {
    readonly number: number;
    readonly secondary: number;
    readonly subordinate: number;
    readonly io_range: Range;
    readonly memory_range: Range;
    readonly prefetchable_range: Range;
  };
  readonly devices?: readonly QemuFunction[];
}

interface QemuBus {
  readonly bus: number;
  readonly devices: readonly QemuFunction[];
}

/** The PCI buses of a QEMU, in the words of a monitor. I/O ports are left out: no machine here has any. */
export async function queryPci(qemu: QemuMonitor): Promise<readonly PciBusInfo[]> {
  const buses = await ask<readonly QemuBus[]>(qemu, 'query-pci');
  return buses.map(({ bus, devices }) => ({ number: bus, functions: devices.map(pciFunctionInfo) }));
}

/** A function and all behind it. */
export function withAllBehind(fn: PciFunctionInfo): PciFunctionInfo[] {
  return [fn, ...(fn.bridge?.functions ?? []).flatMap(withAllBehind)];
}

function pciFunctionInfo(fn: QemuFunction): PciFunctionInfo {
  const { pci_bridge: bridge, regions, id } = fn;
  return {
    slot: fn.slot,
    function: fn.function,
    class: fn.class_info.class,
    vendorId: id.vendor,
    deviceId: id.device,
    subsystemVendorId: id['subsystem-vendor'] ?? 0,
    subsystemId: id.subsystem ?? 0,
    irqPin: fn.irq_pin,
    irq: fn.irq ?? 0,
    id: fn.qdev_id === '' ? undefined : fn.qdev_id,
    regions: regions.filter(({ type }) => type === 'memory').map(pciRegionInfo),
    ...(bridge !== undefined && { bridge: pciBridgeInfo(bridge) }),
  };
}

function pciBridgeInfo({ bus, devices = [] }: QemuBridge): PciBridgeInfo {
  const { number, secondary, subordinate } = bus;
  // Until firmware has numbered the bus behind it, a bridge's windows are what it woke up with.
  const windows = secondary !== 0 && { io: pciWindow(bus.io_range), memory: pciWindow(bus.memory_range), prefetchable: pciWindow(bus.prefetchable_range) };
  return { primary: number, secondary, subordinate, ...windows, functions: devices.map(pciFunctionInfo) };
}

function pciWindow({ base, limit }: Range): PciWindow {
  return { base: BigInt(base), limit: BigInt(limit) };
}

function pciRegionInfo({ bar, address, size, prefetch = false, mem_type_64: is64 = false }: QemuRegion): PciRegionInfo {
  return { bar, address: address < 0 ? undefined : BigInt(address), size, prefetch, is64 };
}
