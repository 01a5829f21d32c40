// The object tree of a machine with an embedded guest, as QEMU's.
import { container, featureNodes, featureSettings, type ObjectNode, type ObjectProperty } from '@vpmem/machine';
import type { EmbeddedDevice, EmbeddedPort } from './embedded-devices.ts';
import type { EmbeddedNvdimm } from './nvdimm/embedded-nvdimm.ts';
import type { EmbeddedPmem } from './pmem/embedded-pmem.ts';
import type { EmbeddedParts } from './embedded-parts.ts';

const string = (value: string): ObjectProperty => ({ type: 'string', value });
const bool = (value: boolean): ObjectProperty => ({ type: 'bool', value });
const uint32 = (value: number): ObjectProperty => ({ type: 'uint32', value });

export function embeddedTree(parts: EmbeddedParts): ObjectNode {
  const { devices, backends } = parts;
  const named = (folder: string): Record<string, ObjectNode> =>
    Object.fromEntries(
      devices.all
        .filter(({ identity }) => identity.path.startsWith(`${folder}/`))
        .map((device) => [device.identity.path.slice(folder.length + 1), deviceNode(parts, device)]),
    );
  const { root } = parts.buses;
  const host = parts.settings.family === 'pc' ? 'i440fx' : 'q35';
  const hostType = parts.settings.family === 'pc' ? 'i440FX-pcihost' : 'q35-pcihost';
  const machine: ObjectNode = {
    type: `${parts.settings.type}-machine`,
    properties: machineProperties(parts),
    children: {
      peripheral: container(named('/machine/peripheral')),
      'peripheral-anon': container(named('/machine/peripheral-anon')),
      unattached: container(Object.fromEntries(parts.fixed.map(({ type, slot }, i) => [`device[${i}]`, fixedNode(parts, type, slot)]))),
      [host]: container({ [root.name]: container({}, busType(parts)) }, hostType),
    },
  };
  return container({ machine, objects: container(backends.nodes()) });
}

function machineProperties({ settings }: EmbeddedParts): Record<string, ObjectProperty> {
  const { size, maxmem, slots } = settings.memory;
  // QEMU tells of maxmem only where there are slots.
  const memory = slots === 0 ? { size } : { size, slots, 'max-size': maxmem };
  return {
    type: string(`${settings.type}-machine`),
    memory: { type: 'MemorySizeConfiguration', value: memory },
    nvdimm: bool(settings.nvdimm),
    'nvdimm-persistence': string(settings.nvdimmPersistence ?? ''),
  };
}

function busType({ settings }: EmbeddedParts): string {
  return settings.family === 'pc' ? 'PCI' : 'PCIE';
}

function rootPath({ settings, buses }: EmbeddedParts): string {
  return `/machine/${settings.family === 'pc' ? 'i440fx' : 'q35'}/${buses.root.name}`;
}

function fixedNode(parts: EmbeddedParts, type: string, slot: number): ObjectNode {
  return { type, children: {}, properties: { type: string(type), ...pciProperties(rootPath(parts), slot, false), hotplugged: bool(false) } };
}

/** What every PCI device has; the address as QEMU reads it back, slot times 8. */
function pciProperties(busPath: string, slot: number, multifunction: boolean): Record<string, ObjectProperty> {
  return {
    parent_bus: { type: 'link<bus>', value: busPath },
    realized: bool(true),
    hotpluggable: bool(true),
    addr: { type: 'str', value: slot << 3 },
    multifunction: bool(multifunction),
  };
}

function deviceNode(parts: EmbeddedParts, device: EmbeddedDevice): ObjectNode {
  switch (device.type) {
    case 'virtio-pmem-pci':
      return pmemNode(parts, device);
    case 'nvdimm':
      return nvdimmNode(device);
    case 'pcie-root-port':
      return portNode(parts, device);
  }
}

function nvdimmNode({ identity, options, placed, module }: EmbeddedNvdimm): ObjectNode {
  return {
    type: 'nvdimm',
    children: { 'nvdimm-memory[0]': container({}, 'memory-region') },
    properties: {
      type: string('nvdimm'),
      realized: bool(true),
      hotplugged: bool(identity.hotplugged),
      hotpluggable: bool(true),
      memdev: { type: 'link<memory-backend>', value: `/objects/${options.memdev}` },
      node: uint32(module.node),
      addr: { type: 'uint64', value: placed.address },
      slot: { type: 'int32', value: placed.slot },
      unarmed: bool(module.unarmed),
      uuid: { type: 'QemuUUID', value: module.uuid ?? '00000000-0000-0000-0000-000000000000' },
      'label-size': { type: 'int', value: module.layout.labelSize },
      size: { type: 'uint64', value: module.size },
    },
  };
}

function portNode(parts: EmbeddedParts, { identity, options, slot, busName }: EmbeddedPort): ObjectNode {
  const reserve = options['pref64-reserve'];
  return {
    type: 'pcie-root-port',
    children: { [busName]: container({}, 'PCIE') },
    properties: {
      type: string('pcie-root-port'),
      ...pciProperties(rootPath(parts), slot, options.multifunction),
      hotplugged: bool(identity.hotplugged),
      chassis: { type: 'uint8', value: options.chassis },
      slot: { type: 'uint16', value: options.slot },
      port: { type: 'uint8', value: options.port },
      hotplug: bool(options.hotplug),
      ...(reserve !== undefined && { 'pref64-reserve': { type: 'size', value: reserve } }),
    },
  };
}

function pmemNode(parts: EmbeddedParts, device: EmbeddedPmem): ObjectNode {
  const { identity, options, on, location, description } = device;
  const port = parts.devices.ports.find(({ busName }) => on.port !== undefined && busName === on.name);
  const busPath = port === undefined ? rootPath(parts) : `${port.identity.path}/${on.name}`;
  const own: Record<string, ObjectProperty> = {
    memdev: { type: 'link<memory-backend>', value: `/objects/${options.memdev}` },
    memaddr: { type: 'uint64', value: device.address ?? 0n },
    ...featureNodes(featureSettings(options)),
  };
  const state = { hotplugged: bool(identity.hotplugged) };
  const backend: ObjectNode = {
    type: 'virtio-pmem',
    children: {},
    properties: {
      type: string('virtio-pmem'),
      parent_bus: { type: 'link<bus>', value: `${identity.path}/virtio-bus` },
      realized: bool(true),
      hotpluggable: bool(true),
      ...state,
      ...own,
      size: { type: 'uint64', value: description.size },
    },
  };
  return {
    type: 'virtio-pmem-pci',
    children: { 'virtio-backend': backend, 'virtio-bus': container({}, 'virtio-pci-bus') },
    properties: {
      type: string('virtio-pmem-pci'),
      ...pciProperties(busPath, location.slot, options.multifunction),
      ...state,
      ...own,
      vectors: uint32(options.vectors),
      placement: string(options.placement),
    },
  };
}
