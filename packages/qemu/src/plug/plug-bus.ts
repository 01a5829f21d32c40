// The buses of a running QEMU as someone sees them who wants to plug a device in.
import type { PciBusInfo, PciFunctionInfo, PciWindow } from '@vpmem/machine';
import { clip } from './address-room.ts';
import { readBusTree, type BusNode, type DeviceNode } from './bus-tree.ts';
import { familyOf, type MachineFamily } from '../command-line/machine-family.ts';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';
import { queryPci } from '../running/query-pci.ts';

/** What has a slot, or a function of one. */
export interface Occupant {
  readonly slot: number;
  readonly function: number;
  readonly id: string | undefined;
}

/** A bus that devices can be plugged into. */
export interface PlugBus {
  readonly name: string;
  /** `root`: the main one; `port`: one slot, PCI Express; `other`: nothing that is chosen unasked. */
  readonly kind: 'root' | 'port' | 'bridge' | 'other';
  /** Whether devices can come while the VM runs. */
  readonly hotplug: boolean;
  /** The first slot that devices can come to while the VM runs. */
  readonly firstSlot: number;
  readonly occupants: readonly Occupant[];
  /** As far as the guest has numbered the buses, with their memory. */
  readonly functions: readonly PciFunctionInfo[];
  /** Where memory of a device on it can lie; undefined as long as firmware has not decided. */
  readonly windows: readonly PciWindow[] | undefined;
  /** The same before what the guest leaves alone is taken off. */
  readonly given: readonly PciWindow[] | undefined;
}

export interface PlugBuses {
  readonly family: MachineFamily;
  readonly buses: readonly PlugBus[];
  /** Of the processor: how far the guest can address. */
  readonly addressBits: number;
  /** Whether the processor keeps a stretch below 1 TiB for itself, as AMD's do. */
  readonly amd: boolean;
}

/** Where an AMD processor has its interrupts; firmware tells the guest to leave it alone. */
const HYPER_TRANSPORT: PciWindow = { base: 0xfd_0000_0000n, limit: 0xff_ffff_ffffn };

export async function readPlugBuses(qemu: QemuMonitor): Promise<PlugBuses> {
  const family = familyOf((await ask<string>(qemu, 'qom-get', { path: '/machine', property: 'type' })).replace(/-machine$/, ''));
  const tree = await readBusTree(qemu);
  const { status } = await ask<{ readonly status: string }>(qemu, 'query-status');
  const booted = status !== 'prelaunch' && status !== 'inmigrate';
  const seen = booted ? await queryPci(qemu) : [];
  const { addressBits, amd } = await readProcessor(qemu);
  const usable = (window: PciWindow): PciWindow[] => clip(window, { base: 0n, limit: 2n ** BigInt(addressBits) - 1n }, amd ? HYPER_TRANSPORT : undefined);
  const withWindows = (bus: Omit<PlugBus, 'windows' | 'given'>, given: readonly PciWindow[] | undefined): PlugBus => ({ ...bus, given, windows: given?.flatMap(usable) });

  const buses: PlugBus[] = [];
  const visit = (bus: BusNode, bridge: DeviceNode | undefined, functions: readonly PciFunctionInfo[], given: readonly PciWindow[] | undefined): void => {
    buses.push(withWindows({ name: bus.name, ...capacity(bus, bridge, bus === tree[0]), occupants: bus.devices, functions }, given));
    for (const device of bus.devices) {
      if (device.bus === undefined) continue;
      const side = functions.find((fn) => fn.slot === device.slot && fn.function === device.function)?.bridge;
      const open = [side?.prefetchable, side?.memory].filter((window): window is PciWindow => window !== undefined && window.base <= window.limit);
      // With none open firmware is still at work: it leaves no bridge without.
      visit(device.bus, device, side?.functions ?? [], open.length === 0 ? undefined : open);
    }
  };
  for (const root of tree) visit(root, undefined, seen.find(({ number }) => number === busNumber(root))?.functions ?? [], family === 'pc' && booted && root === tree[0] ? await holes(qemu) : undefined);
  return { family, buses, addressBits, amd };
}

/** What a bus takes, and how. */
function capacity({ type, properties }: BusNode, bridge: DeviceNode | undefined, main: boolean): Pick<PlugBus, 'kind' | 'hotplug' | 'firstSlot'> {
  const { 'hotplug-handler': handler, 'acpi-pcihp-bsel': byAcpi } = properties;
  // A port, or the controller of a bridge (SHPC), sees to its own bus where ACPI does not; that controller has no slot 0.
  const itself = bridge !== undefined && handler === bridge.path;
  const port = type === 'PCIE' && bridge?.properties.chassis !== undefined;
  const hotplug = (byAcpi !== undefined || itself) && bridge?.properties.hotplug !== false;
  const kind = main ? 'root' : port ? 'port' : type === 'PCI' && bridge !== undefined ? 'bridge' : 'other';
  return { kind, hotplug, firstSlot: itself && kind === 'bridge' ? 1 : 0 };
}

/** An expander's bus has a number of its own. */
function busNumber({ properties }: BusNode): PciBusInfo['number'] {
  return typeof properties.acpi_uid === 'number' ? properties.acpi_uid : 0;
}

/** The two ranges a `pc` has for PCI. */
async function holes(qemu: QemuMonitor): Promise<PciWindow[]> {
  const read = async (property: string): Promise<bigint> => BigInt(await ask<number | bigint>(qemu, 'qom-get', { path: '/machine/i440fx', property }));
  const hole = async (name: string): Promise<PciWindow> => ({ base: await read(`${name}-start`), limit: (await read(`${name}-end`)) - 1n });
  return [await hole('pci-hole64'), await hole('pci-hole')];
}

async function readProcessor(qemu: QemuMonitor): Promise<Pick<PlugBuses, 'addressBits' | 'amd'>> {
  const [cpu] = await ask<readonly { readonly 'qom-path': string }[]>(qemu, 'query-cpus-fast');
  const path = cpu?.['qom-path'] ?? '';
  const addressBits = await ask<number>(qemu, 'qom-get', { path, property: 'phys-bits' });
  const amd = (await ask<string>(qemu, 'qom-get', { path, property: 'vendor' })) === 'AuthenticAMD';
  return { addressBits, amd };
}
