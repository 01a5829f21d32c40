// What is plugged in where, by QEMU's object tree: that knows it before any firmware has numbered a bus, and also of devices
// that nobody gave an id.
import { ForeignError } from '@vpmem/machine';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';

/** A PCI function. */
export interface DeviceNode {
  /** In the object tree. */
  readonly path: string;
  readonly type: string;
  /** What `-device` or `device_add` called it. */
  readonly id: string | undefined;
  readonly slot: number;
  readonly function: number;
  /** The bus behind a bridge. */
  readonly bus: BusNode | undefined;
  readonly properties: QomValues;
}

/** A PCI bus. */
export interface BusNode {
  readonly path: string;
  /** What `bus=` calls it. */
  readonly name: string;
  readonly type: string;
  readonly devices: readonly DeviceNode[];
  readonly properties: QomValues;
}

type QomValues = Readonly<Record<string, unknown>>;

interface QomObject {
  readonly path: string;
  readonly values: QomValues;
  /** Names and types of those below. */
  readonly children: readonly { readonly name: string; readonly type: string }[];
}

const PERIPHERAL = '/machine/peripheral/';
/** Also of the expander bridges `pxb`, `pxb-pcie` and `pxb-cxl`. */
const BUS_TYPE = /^(PCI|PCIE|CXL|pxb-.*bus)$/;
const FUNCTIONS = 8;
/** A device may go between one question and the next. */
const ATTEMPTS = 3;

/** All PCI buses, from those of the host bridges on; the main one comes first. */
export async function readBusTree(qemu: QemuMonitor): Promise<readonly BusNode[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const hosts = await readObjects(qemu, [...(await hostBridges(qemu, '/machine', /-?pcihost$/i)), ...(await hostBridges(qemu, '/machine/unattached', /^pxb-.*host$/))]);
      return await readBuses(qemu, hosts.flatMap(busesBelow));
    } catch (error) {
      if (!(error instanceof ForeignError) || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** A function and all behind it. */
export function withAllBelow(device: DeviceNode): DeviceNode[] {
  return [device, ...(device.bus?.devices ?? []).flatMap(withAllBelow)];
}

/** A bus and all behind it. */
export function withBusesBelow(bus: BusNode): BusNode[] {
  return [bus, ...bus.devices.flatMap((device) => (device.bus === undefined ? [] : withBusesBelow(device.bus)))];
}

async function hostBridges(qemu: QemuMonitor, path: string, type: RegExp): Promise<string[]> {
  const [object] = await readObjects(qemu, [path]);
  return (object?.children ?? []).filter((child) => type.test(child.type)).map(({ name }) => `${path}/${name}`);
}

function busesBelow({ path, children }: QomObject): string[] {
  return children.filter(({ type }) => BUS_TYPE.test(type)).map(({ name }) => `${path}/${name}`);
}

async function readBuses(qemu: QemuMonitor, paths: readonly string[]): Promise<BusNode[]> {
  const buses = await readObjects(qemu, paths);
  const plugged = buses.map(({ values }) => Object.entries(values).filter(([name]) => /^child\[\d+\]$/.test(name)).map(([, path]) => String(path)));
  const devices = await readObjects(qemu, plugged.flat());
  const behind = new Map((await (devices.some((device) => busesBelow(device).length > 0) ? readBuses(qemu, devices.flatMap(busesBelow)) : [])).map((bus) => [bus.path, bus]));
  const nodes = new Map(devices.map((device) => [device.path, deviceNode(device, behind)]));
  return buses.map(({ path, values }, i) => ({
    path,
    name: path.split('/').at(-1) ?? '',
    type: String(values.type),
    devices: (plugged[i] ?? []).flatMap((each) => nodes.get(each) ?? []).sort((a, b) => a.slot - b.slot || a.function - b.function),
    properties: values,
  }));
}

function deviceNode(device: QomObject, behind: ReadonlyMap<string, BusNode>): DeviceNode {
  const { path, values } = device;
  const address = Number(values.addr);
  return {
    path,
    type: String(values.type),
    id: path.startsWith(PERIPHERAL) ? path.slice(PERIPHERAL.length) : undefined,
    slot: Math.floor(address / FUNCTIONS),
    function: address % FUNCTIONS,
    bus: busesBelow(device).map((each) => behind.get(each)).find((bus) => bus !== undefined),
    properties: values,
  };
}

async function readObjects(qemu: QemuMonitor, paths: readonly string[]): Promise<QomObject[]> {
  if (paths.length === 0) return [];
  const answers = await ask<readonly { readonly properties: readonly { readonly name: string; readonly type: string; readonly value?: unknown }[] }[]>(qemu, 'qom-list-get', { paths });
  return answers.map(({ properties }, i) => ({
    path: paths[i] ?? '',
    values: Object.fromEntries(properties.map(({ name, value }) => [name, value])),
    children: properties.flatMap(({ name, type }) => {
      const [, child] = /^child<(.*)>$/.exec(type) ?? [];
      return child === undefined ? [] : [{ name, type: child }];
    }),
  }));
}
