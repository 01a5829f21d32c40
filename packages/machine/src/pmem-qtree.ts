import type { BusDeviceInfo } from './bus-info.ts';
import type { FeatureSetting } from './properties/device-features.ts';
import { qtreeText } from './qtree-text.ts';

type QtreeProperties = BusDeviceInfo['properties'];

/** What a virtio-pmem-pci device shows of itself. */
export interface PmemQtree {
  readonly id: string | undefined;
  /** Of the PCI function. */
  readonly properties: QtreeProperties;
  /** Guest-physical; undefined while the guest has given it none. */
  readonly address: bigint | undefined;
  /** Id of its memory backend. */
  readonly memdev: string;
  readonly features: readonly FeatureSetting[];
}

/** A virtio-pmem-pci device of `info qtree`: a PCI function, and on the bus in it the virtio device. */
export function pmemQtree({ id, properties, address = 0n, memdev, features }: PmemQtree): BusDeviceInfo {
  const own: QtreeProperties = [
    ['memaddr', qtreeText.int(address)],
    ['memdev', qtreeText.string(`/objects/${memdev}`)],
    ...features.map(([name, on]) => [name, qtreeText.bool(on)] as const),
  ];
  const device: BusDeviceInfo = { type: 'virtio-pmem', id: undefined, properties: own, buses: [] };
  return { type: 'virtio-pmem-pci', id, properties, buses: [{ name: 'virtio-bus', type: 'virtio-pci-bus', devices: [device] }] };
}
