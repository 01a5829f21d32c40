// The buses of a running QEMU as someone sees them who wants to plug a device in.
import type { PciFunctionInfo, PciWindow } from '@vpmem/machine';
import { clip } from './address-room.ts';
import { familyOf, type MachineFamily } from '../command-line/machine-family.ts';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';
import { queryPci, withAllBehind } from '../running/query-pci.ts';

/** A bus that has a name. */
export interface PlugBus {
  readonly name: string;
  /** `port`: one slot, PCI Express. */
  readonly kind: 'root' | 'port' | 'bridge';
  /** Whether devices can come while the VM runs, as far as can be seen. */
  readonly hotplug: boolean;
  readonly functions: readonly PciFunctionInfo[];
  /** Where memory of a device on it can lie; undefined as long as firmware has not decided. */
  readonly windows: readonly PciWindow[] | undefined;
}

export interface PlugBuses {
  readonly family: MachineFamily;
  readonly buses: readonly PlugBus[];
}

type QomValues = Readonly<Record<string, unknown>>;

/** Where an AMD processor has its interrupts; firmware tells the guest to leave it alone. */
const HYPER_TRANSPORT: PciWindow = { base: 0xfd_0000_0000n, limit: 0xff_ffff_ffffn };

export async function readPlugBuses(qemu: QemuMonitor): Promise<PlugBuses> {
  const family = familyOf((await ask<string>(qemu, 'qom-get', { path: '/machine', property: 'type' })).replace(/-machine$/, ''));
  const [root] = await queryPci(qemu);
  const { status } = await ask<{ readonly status: string }>(qemu, 'query-status');
  const booted = status !== 'prelaunch' && status !== 'inmigrate';
  const usable = await readUsable(qemu);
  const bridges = (root?.functions ?? []).flatMap(withAllBehind).filter(({ bridge, id }) => bridge !== undefined && id !== undefined);
  const values = await readQom(qemu, bridges.map(({ id = '' }) => `/machine/peripheral/${id}`));
  const behind = bridges.map(({ id = '', bridge }, i): PlugBus => {
    const { type, chassis, hotplug } = values[i] ?? {};
    const port = typeof hotplug === 'boolean' && chassis !== undefined;
    const open = [bridge?.prefetchable, bridge?.memory].filter((window) => window !== undefined && window.base <= window.limit);
    return {
      name: id,
      kind: port ? 'port' : 'bridge',
      hotplug: port ? hotplug : type === 'pci-bridge',
      functions: bridge?.functions ?? [],
      // With none open firmware is still at work: it leaves no bridge without.
      windows: !booted || open.length === 0 ? undefined : (open as PciWindow[]).flatMap(usable),
    };
  });
  const top: PlugBus = {
    name: family === 'pc' ? 'pci.0' : 'pcie.0',
    kind: 'root',
    hotplug: family === 'pc',
    functions: root?.functions ?? [],
    windows: family === 'pc' && booted ? (await holes(qemu)).flatMap(usable) : undefined,
  };
  return { family, buses: [top, ...behind] };
}

/** The two ranges a `pc` has for PCI. */
async function holes(qemu: QemuMonitor): Promise<PciWindow[]> {
  const [values = {}] = await readQom(qemu, ['/machine/i440fx']);
  return ['pci-hole64', 'pci-hole'].map((name) => ({ base: address(values[`${name}-start`]), limit: address(values[`${name}-end`]) - 1n }));
}

/** What of a window the guest will use. */
async function readUsable(qemu: QemuMonitor): Promise<(window: PciWindow) => PciWindow[]> {
  const [cpu] = await ask<readonly { readonly 'qom-path': string }[]>(qemu, 'query-cpus-fast');
  const path = cpu?.['qom-path'] ?? '';
  const bits = await ask<number>(qemu, 'qom-get', { path, property: 'phys-bits' });
  const amd = (await ask<string>(qemu, 'qom-get', { path, property: 'vendor' })) === 'AuthenticAMD';
  const all = { base: 0n, limit: 2n ** BigInt(bits) - 1n };
  return (window) => clip(window, all, amd ? HYPER_TRANSPORT : undefined);
}

/** The properties of objects, by name. */
export async function readQom(qemu: QemuMonitor, paths: readonly string[]): Promise<QomValues[]> {
  if (paths.length === 0) return [];
  const answers = await ask<readonly { readonly properties: readonly { readonly name: string; readonly value?: unknown }[] }[]>(qemu, 'qom-list-get', { paths });
  return answers.map(({ properties }) => Object.fromEntries(properties.map(({ name, value }) => [name, value])));
}

function address(value: unknown): bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : 0n;
}
