import { container, type BackendInfo, type BusDeviceInfo, type BusInfo, type MemoryDeviceInfo, type ObjectNode, type ObjectProperty, type PciBusInfo, type PciFunctionInfo } from '@vpmem/machine';
import type { Returned } from '@vpmem/qmp';
import { FakeMachine } from '../src/fake-machine.ts';

/** Asks QEMU's QMP. */
export type Ask = (command: string, args?: Readonly<Record<string, unknown>>) => Promise<unknown>;
type PciDevice = Returned<'query-pci'>[number]['devices'][number];

/** A machine that is what a running QEMU says of itself by QMP, so that what our HMP shows of it can be compared with what QEMU's does. */
export async function askMachine(ask: Ask): Promise<FakeMachine> {
  const machine = new FakeMachine();
  const memdevs = (await ask('query-memdev')) as Returned<'query-memdev'>;
  const memory = (await ask('query-memory-devices')) as Returned<'query-memory-devices'>;
  const size = (await ask('query-memory-size-summary')) as Returned<'query-memory-size-summary'>;
  const buses = (await ask('query-pci')) as Returned<'query-pci'>;
  const tree = container({
    objects: await askObject(ask, '/objects', 'container'),
    machine: container({ peripheral: await askObject(ask, '/machine/peripheral', 'container') }),
  });
  return Object.assign(machine, {
    name: ((await ask('query-name')) as { name: string }).name,
    state: ((await ask('query-status')) as { status: 'running' }).status,
    buses: buses.map(busOf),
    backends: (): BackendInfo[] =>
      memdevs.map(({ id = '', size: bytes, share, prealloc, reserve = true, policy, 'host-nodes': nodes }) => {
        return { id, type: '', size: Number(bytes), share, prealloc, reserve, policy, hostNodes: nodes.map(Number), path: undefined, user: undefined };
      }),
    memoryDevices: (): Promise<MemoryDeviceInfo[]> => Promise.resolve(memory.map(memoryDeviceOf)),
    memorySize: () => ({ base: Number(size['base-memory']), plugged: Number(size['plugged-memory']) }),
    tree: () => tree,
  });
}

function memoryDeviceOf(info: Returned<'query-memory-devices'>[number]): MemoryDeviceInfo {
  if (info.type === 'virtio-pmem') {
    const { id, memaddr, size, memdev } = info.data;
    return { type: info.type, id, memaddr: BigInt(memaddr), size: Number(size), memdev };
  }
  if (info.type !== 'nvdimm') throw new Error(`no test plugs in a ${info.type}`);
  const { id, addr, size, memdev, slot, node, hotplugged, hotpluggable } = info.data;
  return { type: info.type, id, memaddr: BigInt(addr), size: Number(size), memdev, dimm: { slot, node, hotplugged, hotpluggable } };
}

function busOf({ bus, devices }: Returned<'query-pci'>[number]): PciBusInfo {
  return { number: bus, functions: devices.map(functionOf) };
}

function functionOf(device: PciDevice): PciFunctionInfo {
  const { slot, class_info, id, irq = 0, irq_pin, qdev_id, regions, pci_bridge: bridge } = device;
  const range = ({ base, limit }: { base: number | bigint; limit: number | bigint }): { base: bigint; limit: bigint } => ({ base: BigInt(base), limit: BigInt(limit) });
  return {
    slot,
    function: device.function,
    class: class_info.class,
    vendorId: id.vendor,
    deviceId: id.device,
    subsystemVendorId: id['subsystem-vendor'] ?? 0,
    subsystemId: id.subsystem ?? 0,
    irqPin: irq_pin,
    irq,
    id: qdev_id === '' ? undefined : qdev_id,
    regions: regions
      .filter(({ type }) => type === 'memory')
      .map(({ bar, address, size, prefetch = false, mem_type_64: is64 = false }) => ({ bar, address: address === -1 ? undefined : BigInt(address), size: Number(size), prefetch, is64 })),
    ...(bridge !== undefined && {
      bridge: {
        primary: bridge.bus.number,
        secondary: bridge.bus.secondary,
        subordinate: bridge.bus.subordinate,
        io: range(bridge.bus.io_range),
        memory: range(bridge.bus.memory_range),
        prefetchable: range(bridge.bus.prefetchable_range),
        functions: (bridge.devices ?? []).map(functionOf),
      },
    }),
  };
}

async function askObject(ask: Ask, path: string, type: string): Promise<ObjectNode> {
  const properties: Record<string, ObjectProperty> = {};
  const children: Record<string, ObjectNode> = {};
  for (const { name, type: kind } of (await ask('qom-list', { path })) as Returned<'qom-list'>) {
    const [, child] = /^child<(.*)>$/.exec(kind) ?? [];
    if (child !== undefined) children[name] = await askObject(ask, `${path}/${name}`, child);
    else properties[name] = { type: kind, value: await ask('qom-get', { path, property: name }).catch(() => undefined) };
  }
  return { type, properties, children };
}

/** The buses of `info qtree`, read back; that it is printed again as it was is the test. */
export function readQtree(text: string): BusInfo {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [root] = readBuses(lines, 0);
  if (root === undefined) throw new Error(`no bus in: ${text}`);
  return root;
}

/** Runs of lines that begin at `depth`, each with what is indented below it. */
function blocks(lines: readonly string[], depth: number): [head: string, below: string[]][] {
  const found: [string, string[]][] = [];
  for (const line of lines) {
    if (line.length - line.trimStart().length === depth) found.push([line.trim(), []]);
    else found.at(-1)?.[1].push(line);
  }
  return found;
}

function readBuses(lines: readonly string[], depth: number): BusInfo[] {
  return blocks(lines, depth).flatMap(([head, below]) => {
    const [, name] = /^bus: (.*)$/.exec(head) ?? [];
    if (name === undefined) return [];
    const [type = ''] = blocks(below, depth + 2).map(([line]) => line.replace('type ', ''));
    return [{ name, type, devices: readDevices(below, depth + 2) }];
  });
}

function readDevices(lines: readonly string[], depth: number): BusDeviceInfo[] {
  return blocks(lines, depth).flatMap(([head, below]) => {
    const [, type, id] = /^dev: (.*), id "(.*)"$/.exec(head) ?? [];
    if (type === undefined) return [];
    const properties = blocks(below, depth + 2).flatMap(([line]): [string, string][] => {
      const [, name, value] = /^(\S+) = (.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    });
    return [{ type, id: id === '' ? undefined : id, properties, buses: readBuses(below, depth + 2) }];
  });
}
