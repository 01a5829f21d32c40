// How a machine with an embedded guest looks to a monitor.
import {
  featureSettings, pmemQtree, qtreeText, type BusDeviceInfo, type BusInfo, type MemoryDeviceInfo, type MemoryRegionInfo,
  type MemorySize, type ObjectNode, type PciBusInfo,
} from '@vpmem/machine';
import type { EmbeddedMemory, EmbeddedPort } from './embedded-devices.ts';
import type { EmbeddedParts } from './embedded-parts.ts';
import type { EmbeddedPmem } from './pmem/embedded-pmem.ts';
import { embeddedTree } from './embedded-tree.ts';
import type { FixedFunction } from './hardware/fixed-functions.ts';
import type { NamedBus } from './hardware/pci-buses.ts';
import { barAddress, pciBusInfo } from './hardware/pci-view.ts';

const FOUR_GIB = 2 ** 32;

export class EmbeddedView {
  readonly #parts: EmbeddedParts;

  constructor(parts: EmbeddedParts) {
    this.#parts = parts;
  }

  tree(): ObjectNode {
    return embeddedTree(this.#parts);
  }

  memoryDevices(): MemoryDeviceInfo[] {
    return this.#parts.devices.memories.map((device) => ({
      type: device.type === 'nvdimm' ? device.type : 'virtio-pmem',
      id: device.identity.id,
      memdev: `/objects/${device.options.memdev}`,
      memaddr: device.address ?? 0n,
      size: device.size,
      ...(device.type === 'nvdimm' && { dimm: { slot: device.placed.slot, node: device.module.node, hotplugged: device.identity.hotplugged, hotpluggable: true } }),
    }));
  }

  memorySize(): MemorySize {
    const { settings, layout, devices } = this.#parts;
    const plugged = devices.memories.reduce((sum, { size }) => sum + size, 0);
    return { base: settings.memory.size, plugged: layout.deviceMemory === undefined && plugged === 0 ? undefined : plugged };
  }

  pciBuses(): PciBusInfo[] {
    const { buses, devices } = this.#parts;
    return [
      pciBusInfo(buses.root.bus, (bus, slot) => {
        const port = devices.ports.find((each) => bus === buses.root.bus && each.slot === slot);
        const found = port ?? devices.pmems.find(({ on, location }) => on.bus === bus && location.slot === slot);
        return found?.identity.id;
      }),
    ];
  }

  /** The bus of `info qtree`. */
  mainBus(): BusInfo {
    const { settings, layout, buses } = this.#parts;
    const [low, high] = [layout.ram[0]?.size ?? 0, layout.ram[1]?.size ?? 0];
    const host: BusDeviceInfo = {
      type: settings.family === 'pc' ? 'i440FX-pcihost' : 'q35-pcihost',
      id: undefined,
      properties: [
        ['below-4g-mem-size', qtreeText.size(low)],
        ['above-4g-mem-size', qtreeText.size(high)],
      ],
      buses: [this.#bus(buses.root)],
    };
    return { name: 'main-system-bus', type: 'System', devices: [host] };
  }

  /** The one of `info mtree`. */
  addressSpace(): MemoryRegionInfo {
    const { layout } = this.#parts;
    const ram = layout.ram.map(
      ({ start, size }): MemoryRegionInfo => ({ name: start < FOUR_GIB ? 'ram-below-4g' : 'ram-above-4g', start: BigInt(start), size: BigInt(size), type: 'ram', children: [] }),
    );
    const pci: MemoryRegionInfo = { name: 'pci', start: 0n, size: 2n ** 64n, type: 'i/o', children: this.#bars() };
    return { name: 'system', start: 0n, size: 2n ** 64n, type: 'container', children: [...ram, pci, ...this.#deviceMemory()] };
  }

  #deviceMemory(): MemoryRegionInfo[] {
    const { layout, devices } = this.#parts;
    if (layout.deviceMemory === undefined) return [];
    const children = devices.memories.flatMap(placedRegion).sort((a, b) => (a.start < b.start ? -1 : 1));
    const { start, size } = layout.deviceMemory;
    return [{ name: 'device-memory', start: BigInt(start), size: BigInt(size), type: 'i/o', children }];
  }

  #bars(): MemoryRegionInfo[] {
    return this.#parts.devices.pmems.flatMap((device) =>
      device.function.bars.flatMap((bar, index): MemoryRegionInfo[] => {
        const start = bar === undefined ? undefined : barAddress(device.function, index);
        if (bar === undefined || start === undefined) return [];
        const memory = bar.areas.length > 0;
        return [{ name: memory ? device.options.memdev : `virtio-pmem-pci bar ${index}`, start, size: BigInt(bar.size), type: memory ? 'ram' : 'i/o', children: [] }];
      }),
    );
  }

  /** Devices that came later stand before those that were there, as QEMU has them. */
  #bus({ name, bus, port }: NamedBus): BusInfo {
    const { devices, fixed, settings } = this.#parts;
    const added = devices.all
      .flatMap((device): BusDeviceInfo[] => {
        if (device.type === 'virtio-pmem-pci') return device.on.bus === bus ? [pmemDevice(device)] : [];
        // An nvdimm is on no bus.
        return device.type === 'pcie-root-port' && port === undefined ? [this.#portDevice(device)] : [];
      })
      .reverse();
    const own = port === undefined ? fixed.map(fixedDevice).reverse() : [];
    return { name, type: settings.family === 'pc' ? 'PCI' : 'PCIE', devices: [...added, ...own] };
  }

  #portDevice({ identity, options, slot, busName }: EmbeddedPort): BusDeviceInfo {
    const reserve = options['pref64-reserve'];
    const behind = this.#parts.buses.all.find(({ name, port }) => port !== undefined && name === busName);
    return {
      type: 'pcie-root-port',
      id: identity.id,
      properties: [
        ...(reserve === undefined ? [] : [['pref64-reserve', qtreeText.size(reserve)] as const]),
        ['chassis', qtreeText.int(options.chassis)],
        ['slot', qtreeText.int(options.slot)],
        ['hotplug', qtreeText.bool(options.hotplug)],
        ['port', qtreeText.int(options.port)],
        ['addr', qtreeText.address(slot)],
        ['multifunction', qtreeText.bool(options.multifunction)],
      ],
      buses: behind === undefined ? [] : [this.#bus(behind)],
    };
  }
}

function fixedDevice({ type, slot }: FixedFunction): BusDeviceInfo {
  return { type, id: undefined, properties: [['addr', qtreeText.address(slot)]], buses: [] };
}

function pmemDevice({ identity, options, location, address }: EmbeddedPmem): BusDeviceInfo {
  return pmemQtree({
    id: identity.id,
    properties: [
      ['placement', qtreeText.string(options.placement)],
      ['vectors', qtreeText.int(options.vectors)],
      ['addr', qtreeText.address(location.slot)],
      ['multifunction', qtreeText.bool(options.multifunction)],
    ],
    address,
    memdev: options.memdev,
    features: featureSettings(options),
  });
}

/** Memory in the window; an nvdimm shows the beginning of its backend, as in QEMU. */
function placedRegion({ type, placed, options }: EmbeddedMemory): MemoryRegionInfo[] {
  if (placed === undefined) return [];
  const span = { start: placed.address, size: BigInt(placed.size), children: [] };
  return [type === 'nvdimm' ? { name: 'nvdimm-memory', alias: options.memdev, type: 'nv-ram', ...span } : { name: options.memdev, type: 'ram', ...span }];
}
