import { describe, expect, it } from 'vitest';
import { readPlugBuses } from './plug-bus.ts';
import type { QemuMonitor } from '../running/qemu-monitor.ts';

const GIB = 2 ** 30;
const nothing = { base: 0xffff_f000, limit: 0xfff };
const bridge = (id: string, slot: number, secondary: number, prefetchable: { base: number; limit: number }, memory = { base: 0xfe00_0000, limit: 0xfe1f_ffff }): object => ({
  ...{ slot, function: 0, class_info: { class: 0x604 }, id: { vendor: 1, device: 2 }, irq_pin: 1, qdev_id: id, regions: [] },
  pci_bridge: { bus: { number: 0, secondary, subordinate: secondary, io_range: nothing, memory_range: memory, prefetchable_range: prefetchable } },
});

interface Story {
  readonly type?: string;
  readonly status?: string;
  readonly vendor?: string;
  readonly bits?: number;
  readonly devices: readonly object[];
  readonly objects?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const telling = ({ type = 'pc-q35-11.1-machine', status = 'running', vendor = 'GenuineIntel', bits = 40, devices, objects = {} }: Story): QemuMonitor => ({
  ended: new Promise(() => undefined),
  onEvent: () => () => undefined,
  execute: (command, args = {}) => {
    const answers: Record<string, unknown> = {
      'query-pci': [{ bus: 0, devices }],
      'query-status': { status },
      'query-cpus-fast': [{ 'qom-path': '/cpu' }],
      'qom-get': { type, vendor, 'phys-bits': bits }[String(args.property)],
      'qom-list-get': ((args.paths ?? []) as string[]).map((path) => ({ properties: Object.entries(objects[path] ?? {}).map(([name, value]) => ({ name, value, type: '' })) })),
    };
    return Promise.resolve(answers[command]);
  },
});

describe('readPlugBuses', () => {
  it('finds root ports by what they are, with their windows, and which take devices', async () => {
    const { family, buses } = await readPlugBuses(
      telling({
        devices: [bridge('rp0', 1, 1, { base: 64 * GIB, limit: 65 * GIB - 1 }), bridge('rp1', 2, 2, nothing), bridge('', 3, 3, nothing), bridge('pb', 4, 4, nothing)],
        objects: {
          '/machine/peripheral/rp0': { type: 'pcie-root-port', chassis: 1, hotplug: true },
          '/machine/peripheral/rp1': { type: 'pcie-root-port', chassis: 2, hotplug: false },
          '/machine/peripheral/pb': { type: 'pcie-pci-bridge' },
        },
      }),
    );
    expect(family).toBe('q35');
    expect(buses.map(({ name, kind, hotplug }) => [name, kind, hotplug])).toEqual([
      ['pcie.0', 'root', false],
      ['rp0', 'port', true],
      ['rp1', 'port', false],
      ['pb', 'bridge', false],
    ]);
    const memory = { base: 0xfe00_0000n, limit: 0xfe1f_ffffn };
    // A window whose end lies before its begin is closed.
    expect(buses.map(({ windows }) => windows)).toEqual([undefined, [{ base: 64n * 2n ** 30n, limit: 65n * 2n ** 30n - 1n }, memory], [memory], [memory]]);
  });

  it('knows no windows before firmware has set them', async () => {
    const devices = [bridge('rp0', 1, 0, nothing)];
    const objects = { '/machine/peripheral/rp0': { type: 'pcie-root-port', chassis: 1, hotplug: true } };
    for (const story of [{ devices, objects }, { devices: [bridge('rp0', 1, 1, nothing, nothing)], objects }, { devices: [bridge('rp0', 1, 1, nothing)], objects, status: 'prelaunch' }]) {
      expect((await readPlugBuses(telling(story))).buses[1]?.windows).toBeUndefined();
    }
  });

  it('has the two ranges of a pc, as far as the processor reaches', async () => {
    const objects = { '/machine/i440fx': { 'pci-hole64-start': 0xfe_0000_0000, 'pci-hole64-end': 0x106_0000_0000, 'pci-hole-start': GIB, 'pci-hole-end': 0xfec0_0000 } };
    const windows = async (story: Partial<Story>): Promise<unknown> => (await readPlugBuses(telling({ type: 'pc-i440fx-11.1-machine', devices: [], objects, ...story }))).buses[0]?.windows;
    const low = { base: BigInt(GIB), limit: 0xfebf_ffffn };
    expect(await windows({})).toEqual([{ base: 0xfe_0000_0000n, limit: 0xff_ffff_ffffn }, low]);
    expect(await windows({ bits: 46 })).toEqual([{ base: 0xfe_0000_0000n, limit: 0x105_ffff_ffffn }, low]);
    // Where an AMD processor has its interrupts, memory cannot be.
    expect(await windows({ vendor: 'AuthenticAMD' })).toEqual([low]);
    expect(await windows({ vendor: 'AuthenticAMD', bits: 46 })).toEqual([{ base: 0x100_0000_0000n, limit: 0x105_ffff_ffffn }, low]);
  });
});
