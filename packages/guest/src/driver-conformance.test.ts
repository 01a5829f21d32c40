import { closeSync } from 'node:fs';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { createMemfd } from '@vpmem/native';
import { VirtioPciFunction, VirtioPciCommonCfg, type VirtioPciOptions } from '@vpmem/virtio-pci';
import { WatchedFunction, type Falsify, type WatchedAccess } from '@vpmem/virtio-pci/testing';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Guest } from './guest.ts';
import type { PmemDisk } from './pmem-driver.ts';

const SIZE = 6 * 2 ** 20;
const PLACED = 0x1_4000_0000n;
/** Offsets of the capabilities of a function with MSI-X, in list order, and in each. */
const CAPS = { common: 0x4c, notify: 0x5c, isr: 0x70, device: 0x80, access: 0x90, memory: 0xa4 };
const [CFG_TYPE, BAR, OFFSET, LENGTH] = [3, 4, 8, 12];

let fd: number;
let syncer: ManualSyncer;
let guest: Guest;
let pci: WatchedFunction;
beforeEach(() => {
  fd = createMemfd('pmem', SIZE);
  syncer = new ManualSyncer();
  guest = new Guest();
});
afterEach(async () => {
  settle();
  await guest.close();
  closeSync(fd);
});

const settle = (): void => {
  while (syncer.begin()) syncer.finish();
};

function watched(options: VirtioPciOptions & { address?: bigint } = {}, falsify?: Falsify): WatchedFunction {
  const backend = new MemoryBackend(
    { id: 'mem1', type: 'memory-backend-file', size: SIZE, fd, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'there' },
    syncer,
  );
  pci = new WatchedFunction(new VirtioPciFunction(new VirtioPmem(backend, options), options), falsify);
  return pci;
}

function plug(options: VirtioPciOptions & { address?: bigint } = {}, falsify?: Falsify): PmemDisk {
  if (options.address !== undefined) guest.machine.map({ address: options.address, size: SIZE, fd, fileOffset: 0 });
  return guest.plug(watched(options, falsify));
}

async function fsync(disk: PmemDisk): Promise<void> {
  const flushed = disk.fsync();
  settle();
  await flushed;
}

/** Reads of registers of the common configuration as the table says. */
const registers = (values: Readonly<Record<string, (value: number) => number>>): Falsify => ({ register, value }) => values[register ?? '']?.(value) ?? value;
/** Bytes of configuration space as the table says. */
const config = (bytes: Readonly<Record<number, number>>): Falsify => ({ place, offset, width, value }) => {
  if (place !== 'config') return value;
  return Array.from({ length: width }, (_, i) => (bytes[offset + i] ?? (value >>> (8 * i)) & 0xff) * 256 ** i).reduce((sum, byte) => sum + byte);
};
const dword = (at: number, value: number): Record<number, number> => Object.fromEntries([0, 1, 2, 3].map((i) => [at + i, (value >>> (8 * i)) & 0xff]));
const statuses = (): number[] => pci.of('device_status', 'write').map(({ value }) => value);
const positionOf = (find: (access: WatchedAccess) => boolean): number => pci.log.findIndex(find);
const offered = async (features: bigint, options: VirtioPciOptions = {}): Promise<bigint> => {
  const disk = plug(options, ({ register, value }) => (register === 'device_feature' ? value | Number((features >> BigInt(32 * selected())) & 0xffff_ffffn) : value) >>> 0);
  await fsync(disk);
  return disk.features;
};
const selected = (): number => pci.of('device_feature_select', 'write').at(-1)?.value ?? 0;

describe('bringing a device up', () => {
  it('STAT-01 STAT-02 INIT-01 INIT-05 RFB-01 resets it, adds one status bit after the other, and reads FEATURES_OK back', () => {
    const disk = plug();
    expect(statuses()).toEqual([0, 1, 3, 0x0b, 0x0f]);
    expect(disk.features & (1n << 32n)).toBe(1n << 32n);
    const written = (status: number): number => positionOf(({ register, kind, value }) => register === 'device_status' && kind === 'write' && value === status);
    const between = (from: number, to: number): string[] => [...new Set(pci.log.slice(written(from) + 1, written(to)).flatMap(({ register }) => register ?? []))];
    expect(between(0, 1)).toEqual(['device_status']);
    expect(between(1, 3)).toEqual([]);
    expect(between(3, 0x0b)).toEqual(expect.arrayContaining(['device_feature', 'driver_feature']));
    expect(between(3, 0x0b).filter((name) => name.startsWith('queue'))).toEqual([]);
    expect(pci.log.slice(written(0x0b) + 1).find(({ place }) => place === 'common')).toMatchObject({ register: 'device_status', kind: 'read', value: 0x0b });
    expect(between(0x0b, 0x0f)).toEqual(expect.arrayContaining(['queue_enable']));
  });

  it('INIT-03 INIT-04 INIT-08 writes no configuration, no features after FEATURES_OK, and notifies only after DRIVER_OK', async () => {
    await fsync(plug());
    expect(pci.of('device', 'write')).toEqual([]);
    const agreed = positionOf(({ register, kind, value }) => register === 'device_status' && kind === 'write' && value === 0x0b);
    expect(pci.log.slice(agreed).filter(({ register }) => register === 'driver_feature')).toEqual([]);
    const running = positionOf(({ register, kind, value }) => register === 'device_status' && kind === 'write' && value === 0x0f);
    expect(positionOf(({ place }) => place === 'notify')).toBeGreaterThan(running);
  });

  it('PMSX-D1 PCOM-16 PCOM-17 PCOM-18 PCOM-19 PCOM-21 programs a queue before enabling it, with a size that is allowed, and writes no read-only register', () => {
    plug();
    const names = pci.log.filter(({ kind, register }) => kind === 'write' && register?.startsWith('queue')).map(({ register }) => register);
    const enabled = names.indexOf('queue_enable');
    expect(names.slice(0, enabled)).toEqual(['queue_select', 'queue_select', 'queue_size', 'queue_desc', 'queue_desc + 4', 'queue_driver', 'queue_driver + 4', 'queue_device', 'queue_device + 4']);
    expect(names.slice(enabled + 1).filter((name) => name !== 'queue_select' && name !== 'queue_msix_vector')).toEqual([]);
    expect(pci.of('queue_enable', 'write').map(({ value }) => value)).toEqual([1]);
    expect(pci.of('queue_size', 'write').every(({ value }) => value > 0 && (value & (value - 1)) === 0)).toBe(true);
    for (const name of ['device_feature', 'num_queues', 'config_generation', 'queue_notify_off', 'queue_notif_config_data']) expect(pci.of(name, 'write')).toEqual([]);
  });

  it('PGEN-13 PCAP-09 CFGS-01 CFGS-04 reads and writes every field with its own width, and nothing beyond what it needs', async () => {
    await fsync(plug({ address: PLACED, vectors: 0 }));
    const inBar0 = pci.log.filter(({ place }) => ['common', 'isr', 'device', 'notify', 'bar 0'].includes(place));
    for (const { place, offset, width, register } of inBar0) {
      if (place === 'common') {
        const size = VirtioPciCommonCfg.fields[register?.replace(' + 4', '') as keyof typeof VirtioPciCommonCfg.fields].size;
        expect(width).toBe(Math.min(size, 4));
      } else {
        expect([place, width]).toEqual([place, { isr: 1, device: 4, notify: 2 }[place as string]]);
        expect([place, offset + width <= (place === 'device' ? 16 : width)]).toEqual([place, true]);
      }
    }
  });

  it('STAT-03 PCOM-20 RST-04 a device that does not come out of its reset, and one that failed, begin with a reset again', async () => {
    expect(() => plug({}, registers({ device_status: () => 0x0f }))).toThrow('does not read status 0 after a reset');
    expect(pci.of('driver_feature', 'write')).toEqual([]);
    expect(() => plug({}, registers({ queue_msix_vector: () => 0xffff }))).toThrow('refused the interrupt vector');
    expect(statuses().at(-1)).toBe(0x8b);
    const again = pci;
    again.falsify = undefined;
    again.log.length = 0;
    await fsync(guest.plug(again));
    expect(statuses()).toEqual([0, 1, 3, 0x0b, 0x0f]);
  });

  it('FEAT-07 INIT-06 INIT-07 PMSX-17 sets FAILED and stops when it cannot go on', () => {
    expect(() => plug({}, ({ register, value }) => (register === 'device_feature' && selected() === 1 ? 0 : value))).toThrow('no virtio 1.x device');
    expect(statuses()).toEqual([0, 1, 3, 0x83]);
    expect(pci.of('queue_enable')).toEqual([]);
    expect(() => plug({}, ({ register, value }) => (register === 'device_status' && value === 0x0b ? 3 : value))).toThrow('refused the features');
    expect(statuses().at(-1)).toBe(0x83);
    expect(pci.of('queue_enable')).toEqual([]);
  });
});

describe('features', () => {
  it('FEAT-01 FEAT-02 FEAT-03 accepts what it knows of what is offered, window by window, and nothing else', async () => {
    const disk = plug();
    await fsync(disk);
    const windows = pci.of('driver_feature', 'write').map(({ value }) => value);
    const theirs = pci.of('device_feature', 'read').map(({ value }) => value);
    expect(windows.map((value, i) => value & ~(theirs[i] ?? 0))).toEqual([0, 0]);
    expect(positionOf(({ register }) => register === 'device_feature')).toBeLessThan(positionOf(({ register }) => register === 'driver_feature'));
  });

  describe.each([1n, 23n, 24n, 27n, 30n, 37n, 41n, 44n, 50n, 63n])('bit %i', (bit) => {
    it('FEAT-04 FEAT-05 FEAT-08 RFB-10 leaves a bit it does not know alone when it is offered, and works', async () => {
      expect((await offered(1n << bit)) & (1n << bit)).toBe(0n);
    });
  });

  it('FEAT-06 CFGS-03 works without what it would have liked', async () => {
    const disk = plug({ eventIndex: false, indirectDescriptors: false, queueReset: false, address: PLACED });
    await fsync(disk);
    expect(disk.features).toBe(1n << 32n);
  });
});

describe('optional features', () => {
  const ALL: VirtioPciOptions = { packed: true, inOrder: true, accessPlatform: true, notificationData: true, notificationConfigData: true, suspend: true };

  it('RFB-03 RFB-04 RFB-05 RFB-06 RFB-13 accepts them when they are offered, and works with each', async () => {
    const disk = plug(ALL);
    for (let i = 0; i < 100; i++) await fsync(disk);
    // EVENT_IDX, VERSION_1, ACCESS_PLATFORM, RING_PACKED, IN_ORDER, NOTIFICATION_DATA, NOTIF_CONFIG_DATA.
    expect(disk.features).toBe(0xcf_2000_0001n);
    expect(pci.of('queue_desc', 'write').map(({ value }) => guest.machine.memory.readable(value, 16) !== undefined)).toEqual([true]);
  });

  it('RFB-07 accepts ORDER_PLATFORM where it is offered, which no device of ours does', () => {
    const offer: Falsify = ({ register, value }) => (register === 'device_feature' && selected() === 1 ? value | (1 << 4) : value);
    expect(() => plug({}, offer)).toThrow('refused the features');
    expect((pci.of('driver_feature', 'write').at(-1)?.value ?? 0) & (1 << 4)).toBe(1 << 4);
  });

  it.each(Object.keys(ALL))('works with %s alone', async (name) => {
    const disk = plug({ [name]: true });
    for (let i = 0; i < 40; i++) await Promise.all([disk.fsync(), disk.fsync(), Promise.resolve().then(settle)]);
  });

  const notifications = async (options: VirtioPciOptions, count = 1): Promise<WatchedAccess[]> => {
    const disk = plug(options);
    for (let i = 0; i < count; i++) await fsync(disk);
    return pci.of('notify');
  };

  it('PABN-02 PABN-04 DNOT-D2 DNOT-D3 with NOTIFICATION_DATA it notifies in 32 bits, with the queue\'s index and how far it has come', async () => {
    expect(await notifications({ notificationData: true }, 3)).toMatchObject([1, 2, 3].map((index) => ({ width: 4, value: index * 2 ** 16 })));
  });

  it('DNOT-D4 PKD-11 with a packed queue that is the next slot and its wrap counter', async () => {
    const values = (await notifications({ notificationData: true, packed: true }, 34)).map(({ value }) => value);
    // Two slots a request, of 64; the counter begins at 1.
    expect(values.slice(0, 2)).toEqual([0x8002_0000, 0x8004_0000]);
    expect(values.slice(31)).toEqual([0, 0x0002_0000, 0x0004_0000]);
  });

  it('PABN-05 DNOT-D1 with NOTIF_CONFIG_DATA it sends what the device said', async () => {
    expect(await notifications({ notificationConfigData: true })).toMatchObject([{ width: 2, value: 0xffff }]);
    expect(pci.of('queue_notif_config_data')).toMatchObject([{ kind: 'read', value: 0xffff }]);
  });

  it('PABN-06 DNOT-D2 with both it sends that and how far it has come', async () => {
    expect(await notifications({ notificationConfigData: true, notificationData: true })).toMatchObject([{ width: 4, value: 0x1_ffff }]);
  });
});

describe('where the range is', () => {
  it('PMEM-06 PMEM-07 AMB-01 with SHMEM_REGION it takes region 0, and does not look at the configuration', async () => {
    const disk = plug();
    expect([disk.size, pci.of('device')]).toEqual([SIZE, []]);
    await fsync(disk);
  });

  it('PMEM-08 PMEM-D4 CFGS-05 AMB-01 without it takes start and size, before it enables the queue', () => {
    const disk = plug({ address: PLACED });
    expect([disk.address, disk.size]).toEqual([PLACED, SIZE]);
    expect(pci.of('device', 'read').map(({ offset }) => offset)).toEqual([0, 4, 8, 12]);
    expect(positionOf(({ place }) => place === 'device')).toBeLessThan(positionOf(({ register }) => register === 'queue_enable'));
  });

  it('CFGS-02 reads the configuration again when its generation has changed', () => {
    let generation = 0;
    const disk = plug({ address: PLACED }, registers({ config_generation: () => Math.min(3, generation++) }));
    expect(disk.address).toBe(PLACED);
    expect(pci.of('device', 'read').length).toBeGreaterThan(4);
    expect(pci.of('config_generation', 'read').slice(-2).map(({ value }) => value)).toEqual([3, 3]);
  });
});

describe('capabilities', () => {
  it('PMSX-01 PCAP-12 PACC-04 PACC-05 finds everything through the list, and writes nothing there but MSI-X control', async () => {
    await fsync(plug());
    const writes = pci.of('config', 'write').filter(({ offset }) => offset >= 0x40);
    expect(writes).toMatchObject([{ offset: 0x42, width: 2 }]);
    expect(pci.of('config', 'read').filter(({ offset }) => offset >= CAPS.access + 16 && offset < CAPS.memory)).toEqual([]);
  });

  it('PMSX-02 gives a function without virtio capabilities up, having touched none of its registers', () => {
    expect(() => plug({}, config({ 0x34: 0 }))).toThrow('no common configuration structure');
    expect(pci.log.filter(({ place }) => place !== 'config')).toEqual([]);
  });

  it.each<[string, Record<number, number>]>([
    ['PCAP-05 PVND-06 PVND-07 skips vendor data', { [CAPS.access + CFG_TYPE]: 9 }],
    ['PCAP-05 skips a type that is not assigned', { [CAPS.access + CFG_TYPE]: 77 }],
    ['PCAP-06 takes the first of two of a type', { [CAPS.access + CFG_TYPE]: 1, ...dword(CAPS.access + OFFSET, 0x1000), ...dword(CAPS.access + LENGTH, 64) }],
    ['PCAP-07 takes a capability that is longer than it knows', { [CAPS.common + 2]: 32, [CAPS.memory + 2]: 28 }],
    ['PCAP-08 skips a BAR that cannot be, and takes the next of the type', { [CAPS.common + BAR]: 6, [CAPS.access + CFG_TYPE]: 1, ...dword(CAPS.access + LENGTH, 64) }],
    ['PCAP-10 CFGS-04 takes a structure that is surprisingly long', { ...dword(CAPS.common + LENGTH, 0x1000), ...dword(CAPS.device + LENGTH, 0x1000), ...dword(CAPS.notify + LENGTH, 0x1000) }],
  ])('%s', async (_, bytes) => {
    await fsync(plug({}, config(bytes)));
    expect(statuses()).toEqual([0, 1, 3, 0x0b, 0x0f]);
  });

  it.each([0, 1, 0xff])('PGEN-11 binds to revision %i', async (revision) => {
    await fsync(plug({}, config({ 8: revision })));
  });

  it('PGEN-09 binds to the device of the right ids, and to no other', () => {
    expect(() => plug({}, config({ 0: 0x34, 1: 0x12 }))).toThrow('no driver for 1234:105b');
    expect(() => plug({}, config({ 2: 0x5a }))).toThrow('no driver for 1af4:105a');
  });
});

describe('interrupts and notifications', () => {
  it.each([1, 2, 2048])('PMSX-12 PMSX-15 PMSX-16 works with %i vectors, and reads back what it mapped', async (vectors) => {
    await fsync(plug({ vectors }));
    for (const register of ['queue_msix_vector', 'config_msix_vector']) {
      const mapped = pci.of(register);
      expect(mapped.map(({ kind }) => kind)).toEqual(['write', 'read']);
      expect(mapped[0]?.value).toBeLessThan(vectors);
      expect(mapped[1]?.value).toBe(mapped[0]?.value);
    }
  });

  it('PISR-06 leaves ISR alone with MSI-X', async () => {
    await fsync(plug());
    expect(pci.of('isr')).toEqual([]);
  });

  it('PINT-04 SEVT-05 one line interrupt may stand for a change and a used buffer, or for neither', async () => {
    const disk = plug({ vectors: 0 });
    const flushed = disk.fsync();
    const read = pci.bars[0]?.read.bind(pci.bars[0]);
    pci.falsify = ({ place, value }) => (place === 'isr' && value === 1 ? 3 : value);
    settle();
    await flushed;
    expect(pci.of('isr').map(({ value }) => value)).toContain(3);
    expect(read?.(0x1000, 1)).toBe(0);
    await fsync(disk);
  });

  it('PABN-01 PABN-03 DNOT-D1 notifies with the index of the queue, in 16 bits', async () => {
    await fsync(plug());
    expect(pci.of('notify')).toMatchObject([{ kind: 'write', offset: 0, width: 2, value: 0 }]);
  });
});

describe('taking a device out of service', () => {
  it('RST-04 PCOM-20 INIT-10 waits until the status reads 0 before it gives the queue\'s memory away', async () => {
    const disk = plug();
    await fsync(disk);
    let left = 3;
    pci.falsify = registers({ device_status: (value) => (value === 0 && left-- > 0 ? 0x0f : value) });
    await guest.unplug(disk);
    expect(left).toBeLessThan(0);
    expect(pci.of('device_status').slice(-5)).toMatchObject([{ kind: 'write', value: 0 }, { value: 0x0f }, { value: 0x0f }, { value: 0x0f }, { kind: 'read', value: 0 }]);
  });

  it('STAT-04 does not wait for a flush when the device needs a reset', async () => {
    const disk = plug();
    pci.falsify = registers({ device_status: (value) => value | (value === 0 ? 0 : 0x40) });
    await expect(disk.fsync()).rejects.toThrow('the device needs a reset');
    expect(pci.of('notify')).toEqual([]);
  });
});
