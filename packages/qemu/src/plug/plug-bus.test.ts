import { describe, expect, it } from 'vitest';
import { pcTree, q35Tree, rootPort } from '../../tests/qom-tree.ts';
import { readPlugBuses, type PlugBus } from './plug-bus.ts';
import type { QemuMonitor } from '../running/qemu-monitor.ts';

const GIB = 2 ** 30;
const nothing = { base: 0xffff_f000, limit: 0xfff };
/** A bridge as `query-pci` shows it. */
const bridge = (id: string, slot: number, secondary: number, prefetchable: { base: number; limit: number }, memory = { base: 0xfe00_0000, limit: 0xfe1f_ffff }): object => ({
  ...{ slot, function: 0, class_info: { class: 0x604 }, id: { vendor: 1, device: 2 }, irq_pin: 1, qdev_id: id, regions: [] },
  pci_bridge: { bus: { number: 0, secondary, subordinate: secondary, io_range: nothing, memory_range: memory, prefetchable_range: prefetchable } },
});

interface Story {
  readonly type?: string;
  readonly status?: string;
  readonly vendor?: string;
  readonly bits?: number;
  readonly tree: ReturnType<typeof q35Tree>;
  readonly seen?: readonly object[];
  readonly holes?: Readonly<Record<string, number>>;
}

const telling = ({ type = 'pc-q35-11.1-machine', status = 'running', vendor = 'GenuineIntel', bits = 40, tree, seen = [], holes = {} }: Story): QemuMonitor => ({
  ended: new Promise(() => undefined),
  onEvent: () => () => undefined,
  execute: (command, args = {}) => {
    const answers: Record<string, unknown> = {
      'query-pci': [{ bus: 0, devices: seen }],
      'query-status': { status },
      'query-cpus-fast': [{ 'qom-path': '/cpu' }],
      'qom-get': { type, vendor, 'phys-bits': bits, ...holes }[String(args.property)],
      'qom-list-get': ((args.paths ?? []) as string[]).map((path) => ({ properties: tree.get(path) })),
    };
    return Promise.resolve(answers[command]);
  },
});
const shape = (buses: readonly PlugBus[]): unknown[] => buses.map(({ name, kind, hotplug, occupants }) => [name, kind, hotplug, occupants.map(({ id, slot, function: fn }) => `${id ?? '-'}@${slot}.${fn}`).join(' ')]);
const rng = (path: string, slot = 0, fn = 0) => ({ path, type: 'virtio-rng-pci', slot, function: fn });

describe('readPlugBuses', () => {
  it('finds every bus and what is on it by the object tree, also before any bus has a number', async () => {
    const anonymous = '/machine/peripheral-anon/device[0]';
    const upstream = { path: 'up', type: 'x3130-upstream', slot: 0, bus: { name: 'up', type: 'PCIE', hotplug: true, devices: [rootPort('ds0', 0, [rng(anonymous)]), rootPort('ds1', 1)] } };
    const expander = { name: 'px', type: 'pxb-pcie-bus', properties: { acpi_uid: 100 }, devices: [rootPort('rp9', 0, [], {})] };
    const story = {
      status: 'prelaunch',
      tree: q35Tree([rootPort('rp0', 1, [rng('taken')]), rootPort('rp1', 2), rootPort('rp2', 3, [], { hotplug: false }), rootPort('rp3', 4, [upstream]), rng('lone', 5, 1)], [expander]),
    };
    const { family, buses } = await readPlugBuses(telling(story));
    expect(family).toBe('q35');
    expect(shape(buses)).toEqual([
      ['pcie.0', 'root', false, 'rp0@1.0 rp1@2.0 rp2@3.0 rp3@4.0 lone@5.1'],
      ['rp0', 'port', true, 'taken@0.0'],
      ['rp1', 'port', true, ''],
      ['rp2', 'port', false, ''],
      ['rp3', 'port', true, 'up@0.0'],
      ['up', 'other', true, 'ds0@0.0 ds1@1.0'],
      ['ds0', 'port', true, '-@0.0'],
      ['ds1', 'port', true, ''],
      ['px', 'other', false, 'rp9@0.0'],
      ['rp9', 'port', true, ''],
    ]);
    expect(buses.map(({ windows }) => windows)).toEqual(buses.map(() => undefined));
  });

  it('knows who sees to the slots of a bridge', async () => {
    const bus = (name: string, hotplug: boolean | string): { name: string; type: string; hotplug: boolean | string } => ({ name, type: 'PCI', hotplug });
    const tree = pcTree([
      { path: 'acpi', type: 'pci-bridge', slot: 3, bus: bus('acpi', true) },
      { path: 'shpc', type: 'pci-bridge', slot: 4, bus: bus('shpc', '/machine/peripheral/shpc') },
      { path: 'none', type: 'pci-bridge', slot: 5, bus: bus('none', '') },
    ]);
    const { buses } = await readPlugBuses(telling({ type: 'pc-i440fx-11.1-machine', tree, status: 'prelaunch' }));
    expect(buses.map(({ name, kind, hotplug, firstSlot }) => [name, kind, hotplug, firstSlot])).toEqual([
      ['pci.0', 'root', true, 0],
      ['acpi', 'bridge', true, 0],
      ['shpc', 'bridge', true, 1],
      ['none', 'bridge', false, 0],
    ]);
  });

  it('has the windows that firmware has given, as far as the guest uses them', async () => {
    const tree = q35Tree([rootPort('rp0', 1), rootPort('/machine/peripheral-anon/device[0]', 2)]);
    const seen = [bridge('rp0', 1, 1, { base: 64 * GIB, limit: 65 * GIB - 1 }), bridge('', 2, 2, nothing)];
    const memory = { base: 0xfe00_0000n, limit: 0xfe1f_ffffn };
    // A window whose end lies before its begin is closed.
    const { buses } = await readPlugBuses(telling({ tree, seen }));
    expect(buses.map(({ windows }) => windows)).toEqual([undefined, [{ base: 64n * 2n ** 30n, limit: 65n * 2n ** 30n - 1n }, memory], [memory]]);
    const kept = [bridge('rp0', 1, 1, { base: 0xfe_0000_0000, limit: 0xff_ffff_ffff })];
    const [, port] = (await readPlugBuses(telling({ tree, seen: kept, vendor: 'AuthenticAMD' }))).buses;
    expect([port?.windows, port?.given]).toEqual([[memory], [{ base: 0xfe_0000_0000n, limit: 0xff_ffff_ffffn }, memory]]);
  });

  it('knows no windows before firmware has set them', async () => {
    const tree = q35Tree([rootPort('rp0', 1)]);
    for (const story of [{ seen: [bridge('rp0', 1, 0, nothing)] }, { seen: [bridge('rp0', 1, 1, nothing, nothing)] }, { seen: [bridge('rp0', 1, 1, nothing)], status: 'prelaunch' }]) {
      expect((await readPlugBuses(telling({ tree, ...story }))).buses[1]?.windows).toBeUndefined();
    }
  });

  it('has the two ranges of a pc, as far as the processor reaches', async () => {
    const holes = { 'pci-hole64-start': 0xfe_0000_0000, 'pci-hole64-end': 0x106_0000_0000, 'pci-hole-start': GIB, 'pci-hole-end': 0xfec0_0000 };
    const windows = async (story: Partial<Story>): Promise<unknown> => (await readPlugBuses(telling({ type: 'pc-i440fx-11.1-machine', tree: pcTree([]), holes, ...story }))).buses[0]?.windows;
    const low = { base: BigInt(GIB), limit: 0xfebf_ffffn };
    expect(await windows({})).toEqual([{ base: 0xfe_0000_0000n, limit: 0xff_ffff_ffffn }, low]);
    expect(await windows({ bits: 46 })).toEqual([{ base: 0xfe_0000_0000n, limit: 0x105_ffff_ffffn }, low]);
    // Where an AMD processor has its interrupts, memory cannot be.
    expect(await windows({ vendor: 'AuthenticAMD' })).toEqual([low]);
    expect(await windows({ vendor: 'AuthenticAMD', bits: 46 })).toEqual([{ base: 0x100_0000_0000n, limit: 0x105_ffff_ffffn }, low]);
  });
});
