// QEMU without a guest, driven through its qtest protocol: what a VMM makes of the function, access by access.
import { readFileSync } from 'node:fs';
import { requireTestbed, startQtest, type Qtest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Served } from './served.ts';

const { testbed, reason } = await requireTestbed();

const VENDOR_ID = 0x00;
const COMMAND = 0x04;
const MEMORY_AND_MASTER = 6;
const BAR = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24];
/** Where this test puts the BARs: below 4 GiB, in the hole every PC has, and above all RAM. */
const STRUCTURES_AT = 0xe000_0000;
const MSIX_AT = 0xe001_0000;
const PMEM_AT = 0x10_0000_0000;
/** The structures within their BAR. */
const [ISR_AT, CONFIG_AT, NOTIFY_AT] = [STRUCTURES_AT + 0x1000, STRUCTURES_AT + 0x2000, STRUCTURES_AT + 0x3000];
/** In guest RAM. */
const [DESC, AVAIL, USED, REQUEST, RESPONSE, MESSAGE] = [0x10_0000, 0x10_1000, 0x10_2000, 0x10_3000, 0x10_4000, 0x10_5000];

/** VIRTIO 1.4 §4.1.4.3, struct virtio_pci_common_cfg: offsets by the specification, not by our code. */
const COMMON_CFG = {
  driver_feature_select: 0x08,
  driver_feature: 0x0c,
  num_queues: 0x12,
  device_status: 0x14,
  queue_select: 0x16,
  queue_size: 0x18,
  queue_msix_vector: 0x1a,
  queue_enable: 0x1c,
  queue_desc: 0x20,
  queue_driver: 0x28,
  queue_device: 0x30,
};
const register = (name: keyof typeof COMMON_CFG): number => STRUCTURES_AT + COMMON_CFG[name];

describe.skipIf(testbed === undefined)(`QEMU${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let served: Served;
  let qtest: Qtest | undefined;
  beforeEach(() => {
    served = new Served();
    onTestFailed(() => {
      console.error(served.daemon.stderr, qtest?.stderr);
    });
  });
  afterEach(async () => {
    await qtest?.stop();
    qtest = undefined;
    await served.close();
  });

  const start = async (qemuArgs: readonly string[] = served.qemuArgs, machine = 'pc'): Promise<Qtest> => {
    if (testbed === undefined) throw new Error(reason);
    return (qtest = await startQtest({ testbed, machine, qemuArgs }));
  };
  /** The device number of our function on bus 0, or undefined. */
  const find = async (q: Qtest): Promise<number | undefined> => {
    for (let device = 0; device < 32; device++) if ((await q.configRead(0, device, 0, VENDOR_ID, 4)) === 0x105b_1af4) return device;
    return undefined;
  };
  const enable = async (q: Qtest, device: number): Promise<void> => {
    const placement = [STRUCTURES_AT, MSIX_AT, PMEM_AT % 2 ** 32, Math.floor(PMEM_AT / 2 ** 32)];
    for (const [i, value] of placement.entries()) await q.configWrite(0, device, 0, BAR[i] ?? 0, 4, value);
    await q.configWrite(0, device, 0, COMMAND, 2, MEMORY_AND_MASTER);
  };

  it('shows the identity, the capabilities and the BARs', async () => {
    await served.start(['6M']);
    const q = await start();
    const device = (await find(q)) ?? -1;
    const read = (offset: number, width: 1 | 2 | 4): Promise<number> => q.configRead(0, device, 0, offset, width);
    expect(await read(0x08, 4)).toBe(0x00ff_0001);
    expect(await read(0x2c, 4)).toBe(0x105b_1af4);
    expect(await read(0x3d, 1)).toBe(0);
    const capabilities: string[] = [];
    for (let at = await read(0x34, 1); at !== 0; at = await read(at + 1, 1)) {
      const id = await read(at, 1);
      capabilities.push(id === 9 ? `virtio ${await read(at + 3, 1)} in BAR ${await read(at + 4, 1)}` : `0x${id.toString(16)}`);
    }
    expect(capabilities.toSorted()).toEqual([
      '0x11', 'virtio 1 in BAR 0', 'virtio 2 in BAR 0', 'virtio 3 in BAR 0', 'virtio 4 in BAR 0', 'virtio 5 in BAR 0', 'virtio 8 in BAR 2',
    ]);
    const sizes = [];
    for (const offset of BAR) {
      await q.configWrite(0, device, 0, offset, 4, 0xffff_ffff);
      sizes.push((await read(offset, 4)).toString(16));
    }
    // 16 KiB of structures, the MSI-X page, and 6 MiB rounded up to 8, 64-bit and prefetchable.
    expect(sizes).toEqual(['ffffc000', 'fffff000', 'ff80000c', 'ffffffff', '0', '0']);
  });

  it('a store to the range is in the file, where QEMU mapped it and where it did not', async () => {
    await served.start(['6M']);
    const q = await start();
    await enable(q, (await find(q)) ?? -1);
    await q.write(PMEM_AT + 4096, Buffer.from('through the mapping'));
    await q.write(PMEM_AT + 6 * 2 ** 20 - 4, Buffer.from('last'));
    const file = readFileSync(served.file(0));
    expect(file.subarray(4096, 4096 + 19).toString()).toBe('through the mapping');
    expect(file.subarray(-4).toString()).toBe('last');
    // The rest of the BAR, beyond the file.
    await q.write(PMEM_AT + 6 * 2 ** 20, Buffer.from('nowhere'));
    expect((await q.read(PMEM_AT + 6 * 2 ** 20, 7)).equals(Buffer.alloc(7))).toBe(true);
    expect(readFileSync(served.file(0)).length).toBe(6 * 2 ** 20);
    const tree = await q.qmp('human-monitor-command', { 'command-line': 'info mtree -f' });
    expect(tree).toMatch(/0000001000000000-00000010005fffff \(prio \d+, ramd?\): .*mmap/);
  });

  it('waits as long as a limit has it wait for a notification for nothing, and goes on', async () => {
    await served.start(['6M'], { device: ',ops=1,burst=1' });
    const q = await start();
    await enable(q, (await find(q)) ?? -1);
    const began = performance.now();
    for (let i = 0; i < 4; i++) await q.write(NOTIFY_AT, Buffer.alloc(2));
    // The first is free, the second is answered before its wait, and each of the others has the wait of the one before.
    expect(performance.now() - began).toBeGreaterThanOrEqual(2000);
    expect((await q.read(register('num_queues'), 2)).readUInt16LE()).toBe(1);
    expect(await q.qmp('query-status')).toMatchObject({ running: expect.any(Boolean) as boolean });
    expect(qtest?.stderr).not.toMatch(/vfio/);
  });

  /** VIRTIO 1.4 §3.1.1 and one flush; returns when the response is in memory. */
  const bringUp = async (q: Qtest, device: number): Promise<void> => {
    for (const [name, width, value] of [
      ['device_status', 1, 0], ['device_status', 1, 1], ['device_status', 1, 3],
      ['driver_feature_select', 4, 0], ['driver_feature', 4, 1],
      ['driver_feature_select', 4, 1], ['driver_feature', 4, 1],
      ['device_status', 1, 11],
      ['queue_select', 2, 0], ['queue_size', 2, 4], ['queue_msix_vector', 2, 1],
    ] as const) await (width === 1 ? q.writeb : width === 2 ? q.writew : q.writel).call(q, register(name), value);
    expect(await q.readb(register('device_status'))).toBe(11);
    await q.writeq(register('queue_desc'), BigInt(DESC));
    await q.writeq(register('queue_driver'), BigInt(AVAIL));
    await q.writeq(register('queue_device'), BigInt(USED));
    await q.writew(register('queue_enable'), 1);
    await q.writeb(register('device_status'), 15);
    // MSI-X: enable, and vector 1 writes a word of RAM instead of asking an interrupt controller.
    let msix = await q.configRead(0, device, 0, 0x34, 1);
    while ((await q.configRead(0, device, 0, msix, 1)) !== 0x11) msix = await q.configRead(0, device, 0, msix + 1, 1);
    await q.configWrite(0, device, 0, msix + 2, 2, 0x8000);
    await q.writel(MSIX_AT + 16, MESSAGE);
    await q.writel(MSIX_AT + 20, 0);
    await q.writel(MSIX_AT + 24, 0xcafe);
    await q.writel(MSIX_AT + 28, 0);
  };
  const flush = async (q: Qtest, n: number): Promise<void> => {
    await q.writel(REQUEST, 0);
    await q.writel(RESPONSE, 0xffff_ffff);
    const descriptor = (address: number, flags: number, next: number): Buffer => {
      const bytes = Buffer.alloc(16);
      bytes.writeBigUInt64LE(BigInt(address));
      bytes.writeUInt32LE(4, 8);
      bytes.writeUInt16LE(flags, 12);
      bytes.writeUInt16LE(next, 14);
      return bytes;
    };
    await q.write(DESC, Buffer.concat([descriptor(REQUEST, 1, 1), descriptor(RESPONSE, 2, 0)]));
    await q.writew(AVAIL + 4 + 2 * (n % 4), 0);
    await q.writew(AVAIL + 2, n + 1);
    await q.writew(NOTIFY_AT, 0);
    await expect.poll(() => q.readw(USED + 2)).toBe(n + 1);
  };

  it('negotiates, flushes, and delivers the MSI-X message', async () => {
    await served.start(['64M']);
    const q = await start();
    const device = (await find(q)) ?? -1;
    await enable(q, device);
    expect(await q.readw(register('num_queues'))).toBe(1);
    await bringUp(q, device);
    expect([await q.readl(CONFIG_AT), await q.readl(CONFIG_AT + 8)]).toEqual([0, 0]);
    for (const n of [0, 1, 2, 3, 4]) {
      await q.writel(MESSAGE, 0);
      await flush(q, n);
      expect(await q.readl(RESPONSE)).toBe(0);
      expect([await q.readl(USED + 4 + 8 * (n % 4)), await q.readl(USED + 8 + 8 * (n % 4))]).toEqual([0, 4]);
      await expect.poll(() => q.readl(MESSAGE)).toBe(0xcafe);
    }
    expect(await q.readb(ISR_AT)).toBe(0);
  });

  it('the machine\'s reset gives back the power-on state and keeps the data; the device works again', async () => {
    await served.start(['64M']);
    const q = await start();
    const device = (await find(q)) ?? -1;
    await enable(q, device);
    await bringUp(q, device);
    await flush(q, 0);
    await q.write(PMEM_AT, Buffer.from('kept'));
    const reset = q.waitForEvent('RESET');
    await q.qmp('system_reset');
    await reset;
    expect(await q.configRead(0, device, 0, COMMAND, 2)).toBe(0);
    await enable(q, device);
    expect(await q.readb(register('device_status'))).toBe(0);
    expect(await q.readw(register('queue_msix_vector'))).toBe(0xffff);
    expect((await q.read(PMEM_AT, 4)).toString()).toBe('kept');
    await q.writew(AVAIL + 2, 0);
    await q.writew(USED + 2, 0);
    await bringUp(q, device);
    await flush(q, 0);
  });

  it('is hot-plugged by QMP on pc, and without MSI-X unplugged and plugged in again', async () => {
    await served.start(['64M'], { device: ',vectors=0' });
    const q = await start([]);
    const description = JSON.parse(served.daemon.devices[0] ?? '') as Record<string, unknown>;
    for (let round = 0; round < 2; round++) {
      expect(await find(q)).toBeUndefined();
      await q.qmp('device_add', description);
      expect(await find(q)).toBeDefined();
      const gone = q.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === 'nv0');
      await q.qmp('device_del', { id: 'nv0' });
      // What the guest's ACPI code would answer: eject the slot (port 0xae08 of the PIIX4's hot plug registers).
      const slot = await q.inl(0xae04);
      await q.outl(0xae08, slot);
      await gone;
      await expect.poll(() => served.daemon.stderr.match(/the VM has gone/g)?.length).toBe(round + 1);
    }
  });

  it('refuses a second QEMU on the same socket, and the first goes on', async () => {
    await served.start(['64M']);
    const first = await start();
    await expect(start()).rejects.toThrow(/vfio-user-pci/);
    qtest = first;
    expect(await find(first)).toBeDefined();
  });
});
