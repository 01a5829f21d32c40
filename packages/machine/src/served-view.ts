// How served devices look to a monitor. The VMs are somebody else's: there is no RAM, no PCI bus and no address space of
// our own to tell of, only what each device was told of its VM's.
import { resolve } from 'node:path';
import { DEVICE_NEEDS_RESET, DRIVER_OK, FAILED } from '@vpmem/virtio';
import type { BackendDescription } from '@vpmem/memory-backend';
import type { DeviceStatus } from './device-messages.ts';
import type { BusDeviceInfo, BusInfo } from './bus-info.ts';
import type { MemoryDeviceInfo, MemoryRegionInfo, PmemInfo } from './memory-info.ts';
import { container, type ObjectNode } from './object-tree.ts';

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
    exposure: status.exposure,
    memoryPath: memoryPath(backend),
    faults: status.faults,
    lastError: device.lastError,
  };
}

/** What another process opens to share memory that no file is. */
export function memoryPath(backend: BackendDescription | undefined): string | undefined {
  return backend?.medium === undefined ? undefined : `/proc/${process.pid}/fd/${backend.fd}`;
}

/** Of the backing file, for whoever asks from another folder. */
export function absolutePath(backend: BackendDescription | undefined): string | undefined {
  return backend?.path === undefined ? undefined : resolve(backend.path);
}

/** VIRTIO 1.4 §2.1, in a word. */
export function driverState({ connected, deviceStatus }: Pick<DeviceStatus, 'connected' | 'deviceStatus'>): PmemInfo['driver'] {
  if (!connected || deviceStatus === 0) return 'none';
  if ((deviceStatus & FAILED) !== 0) return 'failed';
  if ((deviceStatus & DEVICE_NEEDS_RESET) !== 0) return 'needs-reset';
  return (deviceStatus & DRIVER_OK) !== 0 ? 'ready' : 'starting';
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
  const address = status.rangeAddress ?? NO_ADDRESS;
  return {
    type: 'virtio-pmem-pci',
    id: device.named ? device.id : undefined,
    properties: [
      ['socket', JSON.stringify(device.socketPath)],
      ['vectors', `${device.vectors} (0x${device.vectors.toString(16)})`],
    ],
    buses: [
      {
        name: 'virtio-bus',
        type: 'virtio-pci-bus',
        devices: [
          {
            type: 'virtio-pmem',
            id: undefined,
            properties: [
              ['memaddr', `${address} (0x${address.toString(16)})`],
              ['memdev', JSON.stringify(`/objects/${device.memdev}`)],
            ],
            buses: [],
          },
        ],
      },
    ],
  };
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
