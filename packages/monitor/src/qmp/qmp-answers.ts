import type { BackendInfo, FailureControl, MemoryDeviceInfo, MemorySize, PciBridgeInfo, PciFunctionInfo, PciRegionInfo, PciWindow, PmemInfo, PowerExposure, RecordingInfo } from '@vpmem/machine';
import type { Returned } from '@vpmem/qmp';
import { pciClassName } from '../pci-class.ts';

type Answer<N extends 'query-pci' | 'query-memdev' | 'query-memory-devices' | 'query-pmem'> = Returned<N>[number];
type PciDevice = Answer<'query-pci'>['devices'][number];

/** `query-memdev`. Its pages are never merged, and dumped by whoever maps them. */
export function memdevAnswer({ id, size, share, prealloc, reserve, policy, hostNodes }: BackendInfo): Answer<'query-memdev'> {
  return { id, size, share, prealloc, reserve, merge: false, dump: false, 'host-nodes': [...hostNodes], policy };
}

export function memoryDeviceAnswer({ type, id, memaddr, size, memdev, dimm }: MemoryDeviceInfo): Answer<'query-memory-devices'> {
  const common = { ...(id !== undefined && { id }), size, memdev };
  if (type === 'virtio-pmem') return { type, data: { ...common, memaddr } };
  // A machine with such modules says where they are.
  const { slot, node, hotplugged, hotpluggable } = dimm ?? { slot: 0, node: 0, hotplugged: false, hotpluggable: false };
  return { type, data: { ...common, addr: memaddr, slot, node, hotplugged, hotpluggable } };
}

export function memorySizeAnswer({ base, plugged }: MemorySize): Returned<'query-memory-size-summary'> {
  return { 'base-memory': base, ...(plugged !== undefined && { 'plugged-memory': plugged }) };
}

export function pmemAnswer(info: PmemInfo): Answer<'query-pmem'> {
  const { type, id, path, memdev, backingFile, volatile, size, socket, connected, driver, latency, exposure, recording, memoryPath = '', faults, lastError } = info;
  const { inFlight, ...flushes } = info.flushes;
  return {
    type,
    id,
    path,
    memdev,
    ...(backingFile !== undefined && { 'backing-file': backingFile }),
    ...(volatile !== undefined && { volatile }),
    size,
    ...(socket !== undefined && { socket }),
    connected,
    driver,
    flushes: { ...flushes, 'in-flight': inFlight },
    ...(latency !== undefined && { latency: latencyAnswer(latency) }),
    ...(exposure !== undefined && { 'power-failure': exposureAnswer(exposure, memoryPath) }),
    ...(recording !== undefined && { recording: recordingAnswer(recording) }),
    ...(faults !== undefined && { faults: faultsAnswer(faults) }),
    ...(lastError !== undefined && { 'last-error': { ...lastError } }),
  };
}

function latencyAnswer({ steps, ...summary }: NonNullable<PmemInfo['latency']>): NonNullable<Answer<'query-pmem'>['latency']> {
  return { ...summary, steps: steps.map(({ upTo, count }) => ({ 'up-to': upTo, count })) };
}

function faultsAnswer({ limit, ...faults }: NonNullable<PmemInfo['faults']>): NonNullable<Answer<'query-pmem'>['faults']> {
  if (limit === undefined) return { ...faults };
  const { ops, burst, heldBack, notificationsHeldBack: notifications } = limit;
  return { ...faults, limit: { ops, burst, 'held-back': heldBack, ...(notifications !== undefined && { 'notifications-held-back': notifications }) } };
}

function exposureAnswer({ bytes, parts, oldest, cuts, tracker }: PowerExposure, memoryPath: string): NonNullable<Answer<'query-pmem'>['power-failure']> {
  return {
    ...(bytes !== undefined && { 'volatile-bytes': bytes }),
    ...(parts !== undefined && { 'volatile-parts': [...parts] }),
    ...(oldest !== undefined && { 'oldest-ms': oldest }),
    cuts,
    'memory-path': memoryPath,
    tracker: tracker.kind,
    ...(tracker.reason !== undefined && { 'tracker-reason': tracker.reason }),
  };
}

export function recordingAnswer({ file, flushes, marks, bytes, incomplete }: RecordingInfo): NonNullable<Answer<'query-pmem'>['recording']> {
  return { file, flushes, marks, bytes, ...(incomplete !== undefined && { incomplete }) };
}

export function powerCutAnswer(report: Awaited<ReturnType<FailureControl['powerCut']>>): Returned<'power-cut'> {
  if (report === undefined) return {};
  const { lostBytes, survivedBytes, seed, image } = report;
  return { cut: { 'lost-bytes': lostBytes, 'survived-bytes': survivedBytes, seed, ...(image !== undefined && { image }) } };
}

export function pciAnswer(bus: number, info: PciFunctionInfo): PciDevice {
  const { slot, vendorId, deviceId, subsystemId, subsystemVendorId, irqPin, irq, regions, bridge } = info;
  const desc = pciClassName(info.class);
  return {
    bus,
    slot,
    function: info.function,
    class_info: { class: info.class, ...(desc !== undefined && { desc }) },
    // A bridge has other registers there.
    id: { device: deviceId, vendor: vendorId, ...(bridge === undefined && { subsystem: subsystemId, 'subsystem-vendor': subsystemVendorId }) },
    ...(irqPin > 0 && { irq }),
    irq_pin: irqPin,
    qdev_id: info.id ?? '',
    regions: regions.map(regionAnswer),
    ...(bridge !== undefined && { pci_bridge: bridgeAnswer(bridge) }),
  };
}

function regionAnswer({ bar, address, size, prefetch, is64 }: PciRegionInfo): PciDevice['regions'][number] {
  return { bar, type: 'memory', address: address ?? -1, size, prefetch, mem_type_64: is64 };
}

function bridgeAnswer({ primary, secondary, subordinate, io, memory, prefetchable, functions }: PciBridgeInfo): NonNullable<PciDevice['pci_bridge']> {
  return {
    bus: {
      number: primary,
      secondary,
      subordinate,
      io_range: rangeAnswer(io),
      memory_range: rangeAnswer(memory),
      prefetchable_range: rangeAnswer(prefetchable),
    },
    devices: functions.map((each) => pciAnswer(secondary, each)),
  };
}

/** A window that is not set passes nothing on: its limit is below its base. */
function rangeAnswer({ base, limit }: PciWindow = { base: 1n, limit: 0n }): { base: bigint; limit: bigint } {
  return { base, limit };
}
