// QEMU's object tree, as far as it tells what is plugged in where.

/** A PCI bus of a {@link qomTree}. */
export interface FakeBus {
  readonly name: string;
  readonly type: string;
  /** Whether ACPI sees to hot plug on it; a path: whoever does. */
  readonly hotplug?: boolean | string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly devices?: readonly FakeDevice[];
}

export interface FakeDevice {
  /** The last part of its path names it; `/machine/peripheral/` if that is all. */
  readonly path: string;
  readonly type: string;
  readonly slot: number;
  readonly function?: number;
  readonly bus?: FakeBus;
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Property {
  readonly name: string;
  readonly type: string;
  readonly value?: unknown;
}

const child = (name: string, type: string): Property => ({ name, type: `child<${type}>` });
const given = (properties: Readonly<Record<string, unknown>> = {}): Property[] => Object.entries(properties).map(([name, value]) => ({ name, type: typeof value, value }));

/** Answers `qom-list-get`, and `qom-get` with the properties that place a device. @param expanders of `pxb` devices, by their number */
export function qomTree(host: { readonly name: string; readonly type: string; readonly root: FakeBus }, expanders: readonly FakeBus[] = []): Map<string, Property[]> {
  const objects = new Map<string, Property[]>();
  const addBus = (bus: FakeBus, above: string): Property => {
    const path = `${above}/${bus.name}`;
    const handler = typeof bus.hotplug === 'string' ? bus.hotplug : bus.hotplug === true ? '/machine/unattached/acpi' : '';
    const properties = { type: bus.type, 'hotplug-handler': handler, ...(bus.hotplug === true && { 'acpi-pcihp-bsel': 0 }), ...bus.properties };
    const devices = (bus.devices ?? []).map((device) => addDevice(device, path));
    objects.set(path, [...given(properties), ...devices.map((value, i) => ({ name: `child[${i}]`, type: 'link<device>', value }))]);
    return child(bus.name, bus.type);
  };
  const addDevice = ({ path: named, type, slot, function: fn = 0, bus, properties }: FakeDevice, parent: string): string => {
    const path = named.startsWith('/') ? named : `/machine/peripheral/${named}`;
    objects.set(path, [...given({ type, parent_bus: parent, addr: slot * 8 + fn, ...properties }), ...(bus === undefined ? [] : [addBus(bus, path)])]);
    return path;
  };
  objects.set(`/machine/${host.name}`, [addBus(host.root, `/machine/${host.name}`)]);
  objects.set('/machine', [child(host.name, host.type), child('unattached', 'container')]);
  const hosts = expanders.map((bus, i) => {
    objects.set(`/machine/unattached/device[${i}]`, [addBus(bus, `/machine/unattached/device[${i}]`)]);
    return child(`device[${i}]`, 'pxb-host');
  });
  objects.set('/machine/unattached', hosts);
  return objects;
}

/** A q35 with these devices on its main bus. */
export function q35Tree(devices: readonly FakeDevice[], expanders: readonly FakeBus[] = []): Map<string, Property[]> {
  return qomTree({ name: 'q35', type: 'q35-pcihost', root: { name: 'pcie.0', type: 'PCIE', hotplug: '/machine/unattached/acpi', devices } }, expanders);
}

/** A pc with these. */
export function pcTree(devices: readonly FakeDevice[], expanders: readonly FakeBus[] = []): Map<string, Property[]> {
  return qomTree({ name: 'i440fx', type: 'i440FX-pcihost', root: { name: 'pci.0', type: 'PCI', hotplug: true, devices } }, expanders);
}

/** A root port, and what is in it. */
export function rootPort(path: string, slot: number, devices: readonly FakeDevice[] = [], properties: Readonly<Record<string, unknown>> = {}): FakeDevice {
  const name = path.split('/').at(-1) ?? '';
  return { path, type: 'pcie-root-port', slot, properties: { chassis: slot, hotplug: true, ...properties }, bus: { name, type: 'PCIE', hotplug: true, devices } };
}
