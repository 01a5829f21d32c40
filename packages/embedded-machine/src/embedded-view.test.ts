import { findObject } from '@vpmem/machine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MachineBench } from '../tests/machine-bench.ts';

let b: MachineBench;
/** A q35 with a device on the root bus, and one without an id that came later behind a port, its memory in a BAR. */
beforeEach(async () => {
  b = new MachineBench({ name: 'vm1', machine: ['q35,nvdimm=on'], memory: '3G,slots=1,maxmem=4G' });
  await b.files(['mem1', 'mem2']);
  await b.device('pcie-root-port,id=rp0,chassis=1,slot=7,pref64-reserve=16M');
  await b.device('virtio-pmem-pci,id=nv1,memdev=mem1,vectors=0');
  await b.machine.start();
  await b.device('virtio-pmem-pci,memdev=mem2,bus=rp0,placement=bar,packed=on,event_idx=off');
});
afterEach(() => b.close());

describe('the object tree', () => {
  it('has everything where QEMU has it', () => {
    const tree = b.machine.tree();
    const value = (path: string, name: string): unknown => findObject(tree, path)?.properties[name]?.value;
    expect(Object.keys(tree.children)).toEqual(['machine', 'objects']);
    expect(tree.children.machine?.type).toBe('pc-q35-11.1-machine');
    expect(value('/machine', 'memory')).toEqual({ size: 3 * 2 ** 30, slots: 1, 'max-size': 4 * 2 ** 30 });
    expect(value('/machine', 'nvdimm')).toBe(true);
    expect(findObject(tree, '/machine/peripheral/nv1/virtio-backend')?.type).toBe('virtio-pmem');
    expect(value('/machine/peripheral/nv1', 'memaddr')).toBe(0x1_4000_0000n);
    expect(value('/machine/peripheral/nv1', 'memdev')).toBe('/objects/mem1');
    expect(value('/machine/peripheral/nv1', 'addr')).toBe(2 << 3);
    expect(value('/machine/peripheral/nv1', 'parent_bus')).toBe('/machine/q35/pcie.0');
    expect(value('/machine/peripheral/nv1', 'hotplugged')).toBe(false);
    const anonymous = '/machine/peripheral-anon/device[0]';
    expect(value(anonymous, 'hotplugged')).toBe(true);
    expect(value(anonymous, 'parent_bus')).toBe('/machine/peripheral/rp0/rp0');
    for (const path of [anonymous, `${anonymous}/virtio-backend`]) {
      expect(['packed', 'event_idx', 'indirect_desc', 'queue_reset', 'suspend'].map((name) => value(path, name)), path).toEqual([true, false, true, true, false]);
    }
    for (const path of ['/machine/q35/pcie.0', '/machine/peripheral/rp0/rp0', '/objects/mem2', anonymous]) expect(findObject(tree, path), path).toBeDefined();
    expect(value('/machine/peripheral/rp0', 'slot')).toBe(7);
    expect(b.machine.name).toBe('vm1');
  });

  it('tells of maxmem only where there are slots, as QEMU does', () => {
    const other = new MachineBench({ memory: '1G,maxmem=2G' });
    expect(findObject(other.machine.tree(), '/machine')?.properties.memory?.value).toEqual({ size: 2 ** 30 });
    return other.close();
  });
});

describe('query-pci', () => {
  it('tells what the guest programmed', async () => {
    const [root] = await b.machine.pciBuses();
    const functions = root?.functions ?? [];
    expect(functions.map(({ slot, vendorId, deviceId, class: kind, id }) => [slot, vendorId.toString(16), deviceId.toString(16), kind.toString(16), id])).toEqual([
      [0, '8086', '29c0', '600', undefined],
      [1, '1b36', 'c', '604', 'rp0'],
      [2, '1af4', '105b', 'ff', 'nv1'],
      [31, '8086', '2918', '601', undefined],
    ]);
    const pmem = functions[2];
    // INTA of slot 2.
    expect([pmem?.irqPin, pmem?.irq, pmem?.regions]).toEqual([1, 10, [{ bar: 0, address: 0xc020_0000n, size: 0x4000, prefetch: false, is64: false }]]);
    const bridge = functions[1]?.bridge;
    expect(bridge).toMatchObject({ primary: 0, secondary: 1, subordinate: 1, memory: { base: 0xc000_0000n, limit: 0xc01f_ffffn } });
    expect(bridge?.prefetchable).toEqual({ base: 0x1_c000_0000n, limit: 0x1_c0ff_ffffn });
    expect(bridge?.functions).toMatchObject([{ slot: 0, id: undefined, irqPin: 0, regions: [{ bar: 0 }, { bar: 1 }, { bar: 2, size: 4 * 2 ** 20, is64: true, prefetch: true }] }]);
    const [bar] = bridge?.functions[0]?.regions.slice(2) ?? [];
    expect(bar?.address !== undefined && bar.address >= 0x1_c000_0000n && bar.address < 0x1_c100_0000n).toBe(true);
  });

  it('tells of no addresses and no buses before the guest has started', async () => {
    const other = new MachineBench({ machine: ['q35'], startPaused: true });
    await other.files(['mem1']);
    await other.device('pcie-root-port,id=rp0');
    await other.device('virtio-pmem-pci,id=nv1,memdev=mem1,placement=bar');
    await other.machine.start();
    const functions = (await other.machine.pciBuses())[0]?.functions ?? [];
    expect(functions[1]?.bridge).toEqual({ primary: 0, secondary: 0, subordinate: 0, functions: [] });
    expect(functions[2]?.regions.map(({ address }) => address)).toEqual([undefined, undefined, undefined]);
    expect((await other.machine.memoryDevices())[0]?.memaddr).toBe(0n);
    expect((await other.machine.pmem())[0]?.driver).toBe('none');
    await other.close();
  });
});

describe('info', () => {
  it('memory-devices, memory_size_summary, memdev', async () => {
    expect(await b.machine.memoryDevices()).toMatchObject([
      { type: 'virtio-pmem', id: 'nv1', memdev: '/objects/mem1', memaddr: 0x1_4000_0000n, size: 4 * 2 ** 20 },
      { type: 'virtio-pmem', id: undefined, memdev: '/objects/mem2' },
    ]);
    expect(b.machine.memorySize()).toEqual({ base: 3 * 2 ** 30, plugged: 8 * 2 ** 20 });
    expect(b.machine.backends().map(({ id, user }) => [id, user])).toEqual([
      ['mem1', '/machine/peripheral/nv1'],
      ['mem2', '/machine/peripheral-anon/device[0]'],
    ]);
  });

  it('qtree: buses and devices, the last plugged in first', async () => {
    const main = await b.machine.mainBus();
    const [host] = main.devices;
    expect([main.name, host?.type, host?.properties]).toEqual([
      'main-system-bus',
      'q35-pcihost',
      [
        ['below-4g-mem-size', '2147483648 (2 GiB)'],
        ['above-4g-mem-size', '1073741824 (1 GiB)'],
      ],
    ]);
    const root = host?.buses[0];
    expect([root?.name, root?.type, root?.devices.map(({ type }) => type)]).toEqual(['pcie.0', 'PCIE', ['virtio-pmem-pci', 'pcie-root-port', 'ICH9-LPC', 'mch']]);
    expect(root?.devices[0]?.buses[0]?.devices[0]?.properties.slice(0, 2)).toEqual([
      ['memaddr', '5368709120 (0x140000000)'],
      ['memdev', '"/objects/mem1"'],
    ]);
    expect(root?.devices[1]?.buses[0]?.devices[0]?.buses[0]?.devices[0]?.properties.slice(2)).toEqual([
      ['event_idx', 'false'],
      ['indirect_desc', 'true'],
      ['queue_reset', 'true'],
      ['packed', 'true'],
      ['in_order', 'false'],
      ['iommu_platform', 'false'],
      ['notification_data', 'false'],
      ['notif_config_data', 'false'],
      ['suspend', 'false'],
      ['version_1_optional', 'false'],
    ]);
    expect(root?.devices[1]?.buses).toMatchObject([{ name: 'rp0', type: 'PCIE', devices: [{ type: 'virtio-pmem-pci', id: undefined }] }]);
  });

  it('mtree: RAM in two pieces, the window with what is in it, and BARs', async () => {
    const [space] = await b.machine.addressSpaces();
    const children = space?.root.children ?? [];
    expect([space?.name, children.map(({ name, start, size }) => [name, start, size])]).toEqual([
      'memory',
      [
        ['ram-below-4g', 0n, 0x8000_0000n],
        ['ram-above-4g', 0x1_0000_0000n, 0x4000_0000n],
        ['pci', 0n, 2n ** 64n],
        ['device-memory', 0x1_4000_0000n, 0x8000_0000n],
      ],
    ]);
    expect(children[3]?.children.map(({ name, start }) => [name, start])).toEqual([['mem1', 0x1_4000_0000n]]);
    expect(children[2]?.children.filter(({ type }) => type === 'ram').map(({ name, size }) => [name, size])).toEqual([['mem2', 4n * 2n ** 20n]]);
  });
});

describe('the guest\'s console', () => {
  it('says what there is, and what is wrong', async () => {
    const { guest } = b.machine;
    expect(guest.disks().map(({ name, id }) => [name, id])).toEqual([
      ['pmem0', 'nv1'],
      ['pmem1', undefined],
    ]);
    await guest.write('pmem1', 0, Buffer.from('x'));
    await expect(guest.read('pmem7', 0, 1)).rejects.toThrow("the guest has no disk 'pmem7'; it has 'nv1', 'pmem1'");
    await expect(guest.write('nv1', 4 * 2 ** 20 - 1, Buffer.from('xy'))).rejects.toThrow("disk 'nv1' has 4194304 bytes; 2 bytes from 4194303 on do not lie within");
    await expect(guest.read('nv1', -1, 1)).rejects.toThrow('do not lie within');
    await expect(guest.read('nv1', 0.5, 1)).rejects.toThrow('do not lie within');
  });
});
