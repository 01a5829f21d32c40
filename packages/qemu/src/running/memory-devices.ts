import type { MemoryDeviceInfo, PciFunctionInfo } from '@vpmem/machine';
import { powerOfTwo } from '../command-line/hot-plug-room.ts';
import type { QemuMonitor } from './qemu-monitor.ts';
import { queryPci, withAllBehind } from './query-pci.ts';

/** Devices of ours, where the guest has put them. */
export async function placed(qemu: QemuMonitor, ours: readonly MemoryDeviceInfo[]): Promise<MemoryDeviceInfo[]> {
  const functions = (await queryPci(qemu)).flatMap((bus) => bus.functions.flatMap(withAllBehind));
  return ours.map((device) => ({ ...device, memaddr: barAddress(functions.find(({ id }) => id === device.id), device.size) }));
}

function barAddress(fn: PciFunctionInfo | undefined, size: number): bigint {
  return fn?.regions.find((region) => region.prefetch && region.size === powerOfTwo(size))?.address ?? 0n;
}
