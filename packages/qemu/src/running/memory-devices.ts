import type { MemoryDeviceInfo, PciFunctionInfo } from '@vpmem/machine';
import { powerOfTwo } from '../command-line/hot-plug-room.ts';
import { ask, type QemuMonitor } from './qemu-monitor.ts';
import { queryPci, withAllBehind } from './query-pci.ts';

interface QemuMemoryDevice {
  readonly type: string;
  readonly data: {
    readonly id?: string;
    readonly memdev?: string;
    readonly memaddr?: number | bigint;
    readonly addr?: number | bigint;
    readonly size?: number;
    readonly slot?: number;
    readonly node?: number;
    readonly hotplugged?: boolean;
    readonly hotpluggable?: boolean;
  };
}

/** QEMU's own memory devices, as far as a monitor here knows their kind, and ours where the guest has put them. */
export async function memoryDevices(qemu: QemuMonitor, ours: readonly MemoryDeviceInfo[]): Promise<MemoryDeviceInfo[]> {
  const theirs = await ask<readonly QemuMemoryDevice[]>(qemu, 'query-memory-devices');
  const functions = (await queryPci(qemu)).flatMap((bus) => bus.functions.flatMap(withAllBehind));
  const placed = ours.map((device) => ({ ...device, memaddr: barAddress(functions.find(({ id }) => id === device.id), device.size) }));
  return [...theirs.flatMap(qemuMemoryDevice), ...placed];
}

function barAddress(fn: PciFunctionInfo | undefined, size: number): bigint {
  return fn?.regions.find((region) => region.prefetch && region.size === powerOfTwo(size))?.address ?? 0n;
}

function qemuMemoryDevice({ type, data }: QemuMemoryDevice): MemoryDeviceInfo[] {
  const { id, memdev = '', memaddr = data.addr ?? 0, size = 0, slot = 0, node = 0, hotplugged = false, hotpluggable = false } = data;
  if (type !== 'virtio-pmem' && type !== 'nvdimm') return [];
  return [{ type, id, memdev, memaddr: BigInt(memaddr), size, ...(type === 'nvdimm' && { dimm: { slot, node, hotplugged, hotpluggable } }) }];
}
