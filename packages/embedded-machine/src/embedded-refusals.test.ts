import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { everything, MachineBench } from '../tests/machine-bench.ts';

const benches: MachineBench[] = [];
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close();
});
const start = async (machine: string, memory = '256M,maxmem=4G'): Promise<MachineBench> => {
  const b = new MachineBench({ machine: [machine], memory });
  benches.push(b);
  await b.files(['mem1', 'mem2', 'mem3']);
  return b;
};
type Refusal = readonly [text: string, code: string, message: RegExp];

/** Tries each; afterwards everything has to be as it was. */
async function tryAll(b: MachineBench, refusals: readonly Refusal[]): Promise<void> {
  const before = await everything(b.machine);
  const descriptors = readdirSync('/proc/self/fd').length;
  for (const [text, code, message] of refusals) {
    await expect(b.device(text), text).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(await everything(b.machine), text).toEqual(before);
  }
  expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
  expect(b.events).toEqual([]);
}

describe('device_add that fails leaves nothing', () => {
  it('on pc, for more than ten reasons in a row, and then succeeds', async () => {
    const b = await start('pc');
    await b.files(['big'], '6G');
    await b.object('memory-backend-ram,id=odd,size=3M');
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.start();
    await tryAll(b, [
      ['virtio-pmem-pci,id=nv2', 'missing-parameter', /'memdev' is missing/],
      ['virtio-pmem-pci,id=nv1,memdev=mem2', 'duplicate-id', /there is a device 'nv1' already/],
      ['virtio-pmem-pci,id=nv2,memdev=nope', 'memdev-missing', /no memory backend 'nope'; there is 'mem1'/],
      ['virtio-pmem-pci,id=nv2,memdev=mem1', 'memdev-busy', /belongs to device 'nv1'/],
      ['virtio-pmem-pci,id=nv2,memdev=big', 'memory-budget', /needs 6442450944 bytes, and of the 4026531840 .* 4194304 are in use/],
      ['virtio-pmem-pci,id=nv2,memdev=odd', 'bad-size', /3145728 bytes, no multiple of its alignment 2097152/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,memaddr=0x100000001', 'memory-address', /memaddr=0x100000001 is no multiple of 0x1000/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,memaddr=0x1000', 'memory-address', /not within \[0x100000000, 0x1f0000000\)/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,memaddr=0x100000000', 'memory-conflict', /overlaps device 'nv1' at/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,memaddr=0x110000000,placement=bar', 'refused-parameter', /not for placement=bar/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=pci.1', 'bus-missing', /no bus 'pci\.1'; there is 'pci\.0'/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,addr=1', 'bus-slot', /slot 1 of bus 'pci\.0' is in use; the lowest free one is addr=3/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,addr=2.0', 'bus-slot', /slot 2 of bus 'pci\.0' is in use/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,addr=20', 'bus-slot', /from 0 to 1f, hexadecimal/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,addr=4.1', 'bus-slot', /names function 1/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,socket=/tmp/x', 'refused-parameter', /what vpmemd serves/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,placement=slot', 'invalid-value', /'window' or 'bar'/],
      ['pcie-root-port,id=rp0', 'not-supported', /use -machine q35/],
      ['virtio-blk-pci,id=nv2', 'unknown-type', /'virtio-blk-pci' is not one of virtio-pmem-pci, nvdimm, pcie-root-port/],
    ]);
    await b.device('virtio-pmem-pci,id=nv2,memdev=mem2');
    await b.machine.guest.fsync('nv2');
    expect((await b.machine.memoryDevices())[1]?.memaddr).toBe(0x1_0040_0000n);
  });

  it('where there is no room for memory devices, placement=bar still works', async () => {
    const b = await start('pc', '256M');
    await b.machine.start();
    await tryAll(b, [['virtio-pmem-pci,id=nv1,memdev=mem1', 'no-device-memory', /-m SIZE,maxmem=SIZE plus at least 4194304 bytes/]]);
    expect(b.machine.memorySize()).toEqual({ base: 256 * 2 ** 20, plugged: undefined });
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1,placement=bar');
    await b.machine.guest.fsync('nv1');
  });

  it('when the bus is full', async () => {
    const b = await start('pc');
    await b.files(Array.from({ length: 31 }, (_, i) => `m${i}`));
    for (let i = 0; i < 30; i++) await b.device(`virtio-pmem-pci,memdev=m${i}`);
    await b.machine.start();
    await tryAll(b, [['virtio-pmem-pci,memdev=m30', 'bus-full', /all 32 slots of bus 'pci\.0' are in use/]]);
    await Promise.all(b.machine.guest.disks().map(({ name }) => b.machine.guest.fsync(name)));
  });

  it('on q35 without a port that fits, one with none free, and one that is named', async () => {
    const none = await start('q35');
    await none.machine.start();
    await tryAll(none, [['virtio-pmem-pci,id=nv1,memdev=mem1', 'bus-no-hotplug', /'pcie\.0' takes no device .*; there is no port: start the machine with one more -device pcie-root-port,id=ID,chassis=N$/]]);

    const b = await start('q35');
    await b.device('pcie-root-port,id=rp0,chassis=1');
    await b.device('pcie-root-port,id=rp1,chassis=2');
    await b.device('pcie-root-port,id=fixed,chassis=3,hotplug=off');
    await expect(b.device('pcie-root-port,id=rp3,chassis=1')).rejects.toMatchObject({ code: 'bus-slot', message: expect.stringMatching("port 'rp0' has chassis=1 and slot=0 already") as string });
    await expect(b.device('pcie-root-port,id=rp3,chassis=4,bus=rp0')).rejects.toMatchObject({ code: 'bus-slot' });
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1,bus=rp0');
    await b.machine.start();
    await tryAll(b, [
      ['virtio-pmem-pci,id=nv2,memdev=mem2', 'bus-no-hotplug', /port 'rp1' is free: say bus=rp1/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=pcie.0,addr=5', 'bus-no-hotplug', /say bus=rp1/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=rp0', 'bus-full', /the one slot of bus 'rp0' is in use; port 'rp1' is free/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=rp0,addr=0', 'bus-full', /port 'rp1' is free/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=rp1,addr=1', 'bus-slot', /slot 0 only/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=fixed', 'bus-no-hotplug', /has hotplug=off .*say bus=rp1/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,placement=bar,bus=rp1', 'bus-no-hotplug', /needs 4194304 bytes behind port 'rp1', which keeps 2097152 free; no free port keeps enough: .*,pref64-reserve=4194304$/],
      ['virtio-pmem-pci,id=nv2,memdev=mem2,bus=rp7', 'bus-missing', /there is 'pcie\.0', 'rp0', 'rp1', 'fixed'/],
      ['pcie-root-port,id=rp4,chassis=4', 'bus-no-hotplug', /ports have to be there from the start/],
    ]);
    await b.device('virtio-pmem-pci,id=nv2,memdev=mem2,bus=rp1');
    await b.machine.guest.fsync('nv2');
    await tryAll(b, [['virtio-pmem-pci,id=nv3,memdev=mem3', 'bus-no-hotplug', /no port is free/]]);
  });
});

describe('two at once', () => {
  it('of the same id or backend: one of them fails', async () => {
    const b = await start('pc');
    await b.machine.start();
    const outcomes = await Promise.allSettled([
      b.device('virtio-pmem-pci,id=nv1,memdev=mem1'),
      b.device('virtio-pmem-pci,id=nv1,memdev=mem2'),
      b.device('virtio-pmem-pci,id=nv2,memdev=mem1'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(b.machine.guest.disks()).toHaveLength(1);
  });
});

describe('warnings', () => {
  it('tell of an alignment the window does not have, and of memory that will not persist', async () => {
    const b = await start('pc', '256M,maxmem=8G');
    await b.object(`memory-backend-file,id=wide,share=on,mem-path=${b.path('wide')},size=2G,align=2G`);
    await b.object('memory-backend-ram,id=ram,size=4M');
    await b.device('virtio-pmem-pci,id=nv1,memdev=wide');
    expect(b.warnings).toEqual([expect.stringMatching(/memory of this process/), expect.stringMatching(/its alignment 2147483648 exceeds 1073741824/)]);
  });

  it('tell of a device the guest cannot use', async () => {
    const b = await start('q35');
    // 64-bit addresses end before the port's wish does.
    await b.device('pcie-root-port,id=rp0,chassis=1,pref64-reserve=2T');
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1,bus=rp0');
    await b.machine.start();
    expect(b.warnings).toEqual([expect.stringMatching(/cannot use the port in slot 1: there is no room for 2199023255552 bytes behind it/)]);
    expect(b.machine.guest.disks()).toEqual([]);
    expect((await b.machine.pmem())[0]?.driver).toBe('none');
  });
});
