// How served devices look to a monitor. The VMs are somebody else's: there is no RAM, no PCI bus and no address space of
// our own to tell of, only what each device was told of its VM's.
import {
  absolutePath, container, driverState, featureNodes, memoryPath, pmemQtree, qtreeText, type BusDeviceInfo, type BusInfo,
  type FeatureSetting, type MemoryDeviceInfo, type MemoryRegionInfo, type ObjectNode, type PmemInfo,
} from '@vpmem/machine';
import type { BackendDescription } from '@vpmem/memory-backend';
import type { DeviceStatus } from './device-messages.ts';

/** A device as its machine knows it. */
export interface ViewedDevice {
  /** The `id` given, else that of its memory backend. */
  readonly id: string;
  /** Whether `id` was given. */
  readonly named: boolean;
  /** QOM path. */
  readonly path: string;
  readonly memdev: string;
  readonly socketPath: string;
  /** Bytes. */
  readonly size: number;
  readonly vectors: number;
  readonly unplug: boolean;
  /** Of its queue, which of them it offers. */
  readonly features: readonly FeatureSetting[];
  readonly lastError: PmemInfo['lastError'];
}

/** One device, and how it is doing. */
export interface DeviceState {
  readonly device: ViewedDevice;
  readonly backend: BackendDescription | undefined;
  readonly status: DeviceStatus;
}

const NO_ADDRESS = 0n;

export function pmemInfo({ device, backend, status }: DeviceState): PmemInfo {
  return {
    type: 'virtio-pmem',
    id: device.id,
    path: device.path,
    memdev: device.memdev,
    backingFile: absolutePath(backend),
    volatile: backend?.volatile,
    size: device.size,
    socket: device.socketPath,
    connected: status.connected,
    driver: driverState(status),
    flushes: { ...status.flushes, inFlight: status.flushesInFlight },
    latency: status.latency,
    failure: status.failure,
    counts: status.counts,
    exposure: status.exposure,
    recording: status.recording,
    memoryPath: memoryPath(backend),
    faults: status.faults,
    lastError: device.lastError,
  };
}

export function memoryDeviceInfo({ device, status }: DeviceState): MemoryDeviceInfo {
  return {
    type: 'virtio-pmem',
    id: device.named ? device.id : undefined,
    memdev: `/objects/${device.memdev}`,
    memaddr: status.rangeAddress ?? NO_ADDRESS,
    size: device.size,
  };
}

export function deviceNode({ device, status }: DeviceState): ObjectNode {
  const string = (value: string): { type: string; value: string } => ({ type: 'string', value });
  const backend: ObjectNode = {
    type: 'virtio-pmem',
    children: {},
    properties: {
      type: string('virtio-pmem'),
      memdev: { type: 'link<memory-backend>', value: `/objects/${device.memdev}` },
      memaddr: { type: 'uint64', value: status.rangeAddress ?? NO_ADDRESS },
      size: { type: 'uint64', value: device.size },
      ...featureNodes(device.features),
    },
  };
  return {
    type: 'virtio-pmem-pci',
    children: { 'virtio-backend': backend },
    properties: {
      type: string('virtio-pmem-pci'),
      ...backend.properties,
      socket: string(device.socketPath),
      vectors: { type: 'uint32', value: device.vectors },
      unplug: { type: 'bool', value: device.unplug },
      hotpluggable: { type: 'bool', value: true },
      realized: { type: 'bool', value: true },
    },
  };
}

export function machineTree(objects: Readonly<Record<string, ObjectNode>>, states: readonly DeviceState[]): ObjectNode {
  const children = (named: boolean): Record<string, ObjectNode> =>
    Object.fromEntries(
      states.filter(({ device }) => device.named === named).map((state) => [state.device.path.slice(state.device.path.lastIndexOf('/') + 1), deviceNode(state)]),
    );
  return container({
    objects: container(objects),
    machine: container({ peripheral: container(children(true)), 'peripheral-anon': container(children(false)) }, 'none-machine'),
  });
}

/** The bus of `info qtree`: what is served stands directly on it. */
export function mainBus(states: readonly DeviceState[]): BusInfo {
  return { name: 'main-system-bus', type: 'System', devices: states.map(busDevice) };
}

function busDevice({ device, status }: DeviceState): BusDeviceInfo {
  return pmemQtree({
    id: device.named ? device.id : undefined,
    properties: [
      ['socket', qtreeText.string(device.socketPath)],
      ['vectors', qtreeText.int(device.vectors)],
      ['unplug', qtreeText.bool(device.unplug)],
    ],
    address: status.rangeAddress,
    memdev: device.memdev,
    features: device.features,
  });
}

/** What each VM's guest has mapped, device by device: the VMs' address spaces are their own, so the ranges may coincide. */
export function memoryRegions(states: readonly DeviceState[]): MemoryRegionInfo {
  const children = states.flatMap(({ device, status }): MemoryRegionInfo[] =>
    status.rangeAddress === undefined
      ? []
      : [{ name: device.id, start: status.rangeAddress, size: BigInt(device.size), type: 'ram', children: [] }],
  );
  return { name: 'system', start: 0n, size: 2n ** 64n, type: 'container', children };
}
