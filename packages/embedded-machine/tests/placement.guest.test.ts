// Where memory devices and PCI functions go: the same options given to a running QEMU and to our machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findObject, MachineError } from '@vpmem/machine';
import { BackendError } from '@vpmem/memory-backend';
import { OptionError, parseOption } from '@vpmem/options';
import { requireTestbed, startQtest, TestbedError, type Qtest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedMachine } from '../src/embedded-machine.ts';

const { testbed, reason } = await requireTestbed();

/** A machine, backends `m0`, `m1`, … and devices `d0`, `d1`, … to be added one after the other. */
interface Placement {
  readonly machine: 'pc' | 'q35';
  readonly memory: string;
  /** Sizes and other options of the backends; `ram` before them makes memory-backend-ram. */
  readonly backends: readonly string[];
  /** Of each device its backend's number and other options. */
  readonly devices: readonly (readonly [backend: number, options?: string])[];
  /** Which devices both refuse. */
  readonly refused?: readonly number[];
}

const PLACEMENTS: readonly Placement[] = [
  { machine: 'pc', memory: '256M,maxmem=4G', backends: ['128M', '64M', '1G'], devices: [[0], [1], [2]] },
  { machine: 'q35', memory: '256M,maxmem=4G', backends: ['128M', '64M', '1G'], devices: [[0], [1], [2]] },
  { machine: 'pc', memory: '3583M,maxmem=6G', backends: ['128M', '128M'], devices: [[0], [1]] },
  { machine: 'pc', memory: '3584M,maxmem=6G', backends: ['128M', '128M'], devices: [[0], [1]] },
  { machine: 'q35', memory: '2815M,maxmem=6G', backends: ['128M', '128M'], devices: [[0], [1]] },
  { machine: 'q35', memory: '2816M,maxmem=6G,slots=2', backends: ['128M', '128M'], devices: [[0], [1]] },
  { machine: 'pc', memory: '5000M,maxmem=8G,slots=256', backends: ['4K', '12K', '2M'], devices: [[0], [1], [2]] },
  // Alignment leaves gaps, and what fits goes into them.
  { machine: 'pc', memory: '1G,maxmem=8G,slots=3', backends: ['4K', '1G,align=1G', '64M,align=2M', '512M', '2G,align=2G'], devices: [[0], [1], [2], [3], [4]] },
  { machine: 'q35', memory: '1G,maxmem=8G', backends: ['12K', '64M,align=64M', 'ram,6M', '128M'], devices: [[0], [1], [2], [3]] },
  // Wishes, and what comes between them.
  {
    machine: 'pc',
    memory: '1G,maxmem=4G',
    backends: ['128M', '128M', '64M', '128M', '64M'],
    devices: [[0, 'memaddr=0x100000000'], [1, 'memaddr=0x10c000000'], [2], [3], [4, 'memaddr=0']],
  },
  // Budget, alignment, window, overlap, fragmentation: refused by both, and what follows is placed alike.
  {
    machine: 'pc',
    memory: '1G,maxmem=3G',
    backends: ['1G', '1G', '4K', 'ram,3M', '64M', '1G,align=1G'],
    devices: [
      [0, 'memaddr=0x120000000'],
      [2, 'memaddr=0x100000001'],
      [2, 'memaddr=0x1000'],
      [2, 'memaddr=0x17ffff800'],
      [2, 'memaddr=0x120000000'],
      [3],
      [5],
      [4],
      [1],
      [2],
    ],
    refused: [1, 2, 3, 4, 5, 6, 8],
  },
  { machine: 'q35', memory: '1G', backends: ['64M'], devices: [[0]], refused: [0] },
  // Slots and buses.
  { machine: 'pc', memory: '1G,maxmem=3G', backends: ['4K', '4K', '4K', '4K', '4K'], devices: [[0, 'addr=3'], [1], [2, 'addr=3.0'], [2], [3, 'addr=1f'], [4, 'bus=pci.7']], refused: [2, 5] },
  { machine: 'q35', memory: '1G,maxmem=3G', backends: ['4K', '4K', '4K'], devices: [[0, 'bus=port1'], [1, 'bus=port0'], [2, 'bus=port0']], refused: [2] },
];

/** What came of it: which were refused, where the others' memory is, and in which slot of which bus they are. */
interface Outcome {
  readonly refused: number[];
  readonly memory: Record<string, bigint>;
  readonly slots: Record<string, Slot>;
}

/** QOM path of the bus, and slot times 8. */
type Slot = readonly [bus: unknown, address: unknown];

interface FoundMemory {
  readonly data: { readonly id: string; readonly memaddr: number };
}

describe.skipIf(testbed === undefined)(`placement, beside QEMU${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  const machines: (() => Promise<void>)[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-placement-'));
  });
  afterEach(async () => {
    for (const stop of machines.splice(0)) await stop();
    rmSync(folder, { recursive: true });
  });

  const objects = ({ backends }: Placement): string[] =>
    backends.map((text, i) =>
      text.startsWith('ram,') ? `memory-backend-ram,id=m${i},size=${text.slice(4)}` : `memory-backend-file,id=m${i},share=on,mem-path=${folder}/m${i}.img,size=${text}`,
    );
  const device = ([backend, options]: Placement['devices'][number], i: number, bus: string): string =>
    `virtio-pmem-pci,id=d${i},memdev=m${backend}${options === undefined ? '' : `,${options}`}${options?.includes('bus=') === true ? '' : bus}`;
  /** On q35 devices that come while the machine runs need a port each. */
  const ports = ({ machine, devices }: Placement): string[] => (machine === 'pc' ? [] : devices.map((_, i) => `pcie-root-port,id=port${i},chassis=${i + 1}`));
  const bus = ({ machine }: Placement, i: number): string => (machine === 'pc' ? '' : `,bus=port${i}`);

  const start = async (machine: string, memory: string, qemuArgs: readonly string[] = []): Promise<Qtest> => {
    const qemu = await startQtest({ testbed: testbed!, machine, memory, ram: [], qemuArgs });
    machines.push(() => qemu.stop());
    return qemu;
  };

  const slotInQemu = async (qemu: Qtest, id: string): Promise<Slot> => {
    const get = (property: string) => qemu.qmp('qom-get', { path: `/machine/peripheral/${id}`, property });
    return [await get('parent_bus'), await get('addr')];
  };
  const slotHere = (machine: EmbeddedMachine, id: string): Slot => {
    const { properties } = findObject(machine.tree(), `/machine/peripheral/${id}`)!;
    return [properties.parent_bus?.value, properties.addr?.value];
  };

  async function inQemu(placement: Placement): Promise<Outcome> {
    const args = [...objects(placement).flatMap((text) => ['-object', text]), ...ports(placement).flatMap((text) => ['-device', text])];
    const qemu = await start(placement.machine, placement.memory, args);
    const refused: number[] = [];
    for (const [i, each] of placement.devices.entries()) {
      const answer = (await qemu.qmp('human-monitor-command', { 'command-line': `device_add ${device(each, i, bus(placement, i))}` })) as string;
      if (answer.startsWith('Error: ')) refused.push(i);
      else expect(answer.replaceAll(/^warning: .*\r?\n/gm, '')).toBe('');
    }
    const memory = (await qemu.qmp('query-memory-devices')) as FoundMemory[];
    const slots = memory.map(async ({ data: { id } }) => [id, await slotInQemu(qemu, id)] as const);
    return {
      refused,
      memory: Object.fromEntries(memory.map(({ data }) => [data.id, BigInt(data.memaddr)])),
      slots: Object.fromEntries(await Promise.all(slots)),
    };
  }

  async function here(placement: Placement): Promise<Outcome> {
    const machine = EmbeddedMachine.create({ machine: [placement.machine], memory: placement.memory, startPaused: true, warn: () => undefined });
    machines.push(() => machine.close());
    for (const text of objects(placement)) await machine.addObject(parseOption(text, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
    const add = (text: string) => machine.addDevice(parseOption(text, { grammar: 'qemuopts', impliedKey: 'driver' }));
    for (const text of ports(placement)) await add(text);
    await machine.start();
    const refused: number[] = [];
    for (const [i, each] of placement.devices.entries()) {
      await add(device(each, i, bus(placement, i))).catch((error: unknown) => {
        if (!(error instanceof MachineError || error instanceof OptionError || error instanceof BackendError)) throw error;
        refused.push(i);
      });
    }
    const memory = await machine.memoryDevices();
    return {
      refused,
      memory: Object.fromEntries(memory.map(({ id = '', memaddr }) => [id, memaddr])),
      slots: Object.fromEntries(memory.map(({ id = '' }) => [id, slotHere(machine, id)])),
    };
  }

  it.each(PLACEMENTS.map((placement, i) => ({ placement, name: `${i}: ${placement.machine} -m ${placement.memory}, ${placement.backends.join(' ')}` })))('$name', async ({ placement }) => {
    const theirs = await inQemu(placement);
    const ours = await here(placement);
    expect(theirs.refused).toEqual(placement.refused ?? []);
    expect(ours).toEqual(theirs);
  });

  it('the first free slots of the root bus are the same at start', async () => {
    for (const machine of ['pc', 'q35'] as const) {
      const qemu = await start(machine, '1G,maxmem=2G', ['-object', 'memory-backend-ram,id=m0,size=2M', '-device', 'virtio-pmem-pci,id=d0,memdev=m0']);
      const ours = EmbeddedMachine.create({ machine: [machine], memory: '1G,maxmem=2G', warn: () => undefined });
      machines.push(() => ours.close());
      await ours.addObject(parseOption('memory-backend-ram,id=m0,size=2M', { grammar: 'qemuopts', impliedKey: 'qom-type' }));
      await ours.addDevice(parseOption('virtio-pmem-pci,id=d0,memdev=m0', { grammar: 'qemuopts', impliedKey: 'driver' }));
      expect(slotHere(ours, 'd0'), machine).toEqual(await slotInQemu(qemu, 'd0'));
    }
  });

  it.each([
    ['pc', '1G,maxmem=1007G', true],
    ['pc', '1G,maxmem=1008G', false],
    ['q35', '1G,maxmem=977G', true],
    ['q35', '1G,maxmem=978G', false],
    ['q35', '1G,maxmem=900G,slots=77', true],
    ['q35', '1G,maxmem=900G,slots=78', false],
  ] as const)('%s -m %s: both find addresses for it: %s', async (machine, memory, fits) => {
    const theirs = await start(machine, memory).then(
      () => true,
      (error: unknown) => {
        if (error instanceof TestbedError && error.message.includes('phys-bits too low')) return false;
        throw error;
      },
    );
    expect(theirs).toBe(fits);
    const make = () => EmbeddedMachine.create({ machine: [machine], memory, warn: () => undefined });
    if (!fits) return expect(make).toThrow('need addresses up to');
    const ours = make();
    machines.push(() => ours.close());
  });
});
