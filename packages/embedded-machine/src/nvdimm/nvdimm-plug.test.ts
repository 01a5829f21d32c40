import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { findObject } from '@vpmem/machine';
import { afterEach, describe, expect, it } from 'vitest';
import { everything, MachineBench } from '../../tests/machine-bench.ts';
import { EmbeddedMachine } from '../embedded-machine.ts';

const MIB = 2 ** 20;
let b: MachineBench;
const start = async (options: ConstructorParameters<typeof MachineBench>[0] = {}): Promise<void> => {
  b = new MachineBench({ machine: ['pc,nvdimm=on'], memory: '256M,slots=3,maxmem=1G', ...options });
  await b.files(['mem1', 'mem2', 'mem3', 'mem4']);
};
afterEach(() => b.close());

/** Each is refused, and everything is as it was. */
async function tryAll(refusals: readonly (readonly [text: string, code: string, message: RegExp | string])[]): Promise<void> {
  const before = await everything(b.machine);
  const descriptors = readdirSync('/proc/self/fd').length;
  for (const [text, code, message] of refusals) {
    const error: unknown = await b.device(text).catch((caught: unknown) => caught);
    expect(error, text).toMatchObject({ code, message: (typeof message === 'string' ? message : expect.stringMatching(message)) as string });
    expect(await everything(b.machine), text).toEqual(before);
  }
  expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
  expect(b.events).toEqual([]);
}

describe('an nvdimm that cannot be had leaves nothing', () => {
  it.each([['before the start', false], ['while the machine runs', true]])('%s', async (_, running) => {
    await start();
    await b.files(['big'], '2G');
    await b.files(['tiny'], '128K');
    await b.files(['odd'], '4100K');
    await b.object('memory-backend-ram,id=ram1,size=1M');
    writeFileSync(b.path('ro'), Buffer.alloc(4 * MIB));
    await b.object(`memory-backend-file,id=ro,share=on,readonly=on,mem-path=${b.path('ro')},size=4M`);
    await b.device('nvdimm,id=nv1,memdev=mem1,slot=1');
    if (running) await b.machine.start();
    await tryAll([
      ['nvdimm,id=nv2', 'missing-parameter', /'memdev' is missing/],
      ['nvdimm,id=nv1,memdev=mem2', 'duplicate-id', /there is a device 'nv1' already/],
      ['nvdimm,id=nv2,memdev=nope', 'memdev-missing', /no memory backend 'nope'; there is 'mem1'/],
      ['nvdimm,id=nv2,memdev=mem1', 'memdev-busy', /belongs to device 'nv1'/],
      ['virtio-pmem-pci,id=nv2,memdev=mem1', 'memdev-busy', /belongs to device 'nv1'/],
      ['nvdimm,id=nv2,memdev=mem2,label-size=131071', 'label-size-too-small', "device 'nv2': label-size 131071 is too small for namespace labels; it has to be 131072 (128K) or more, or 0 for none"],
      ['nvdimm,id=nv2,memdev=big,label-size=4G', 'label-size-too-large', /more than a guest can address/],
      ['nvdimm,id=nv2,memdev=mem2,label-size=4M', 'backend-too-small', /'mem2' has 4194304 bytes, which do not hold a label area of 4194304 bytes and at least 4096 bytes of memory before it/],
      ['nvdimm,id=nv2,memdev=tiny,label-size=128K', 'backend-too-small', /size=135168 or more would be right/],
      ['nvdimm,id=nv2,memdev=ram1', 'backend-too-small', /the least memory of 2097152 bytes/],
      ['nvdimm,id=nv2,memdev=ro', 'read-only-backend', "device 'nv2': memdev 'ro' has readonly=on, so the guest has to be told that nothing it writes persists; give unarmed=on"],
      ['nvdimm,id=nv2,memdev=mem2,uuid=x', 'bad-uuid', /uuid 'x' is none; one reads like/],
      ['nvdimm,id=nv2,memdev=big', 'memory-budget', /needs 2147483648 bytes, and of the 805306368 that maxmem leaves for memory devices 4194304 are in use/],
      ['nvdimm,id=nv2,memdev=mem2,slot=3', 'memory-slot', "device 'nv2': slot=3 is not one of the machine's, which are 0 to 2"],
      ['nvdimm,id=nv2,memdev=mem2,slot=1', 'memory-slot', "device 'nv2': slot=1 is in use by device 'nv1'; leave it out to get a free one"],
      ['nvdimm,id=nv2,memdev=mem2,slot=-2', 'out-of-range', /from -1 to 2147483647/],
      ['nvdimm,id=nv2,memdev=mem2,addr=0x100000001', 'memory-address', /addr=0x100000001 is no multiple of 0x1000/],
      ['nvdimm,id=nv2,memdev=mem2,addr=0x1000', 'memory-address', /not within \[0x100000000, 0x1f0000000\)/],
      ['nvdimm,id=nv2,memdev=mem2,addr=0x100000000', 'memory-conflict', /addr=0x100000000, with 4194304 bytes, overlaps device 'nv1'/],
      ['nvdimm,id=nv2,memdev=mem2,node=1', 'refused-parameter', /'1' of parameter 'node' is not supported: there is one NUMA node/],
      ['nvdimm,id=nv2,memdev=mem2,size=4M', 'refused-parameter', /follows from the backend's size/],
      ['nvdimm,id=nv2,memdev=mem2,bus=pci.0', 'refused-parameter', /a memory slot, not onto a bus/],
      ['nvdimm,id=nv2,memdev=mem2,unarmed=maybe', 'invalid-value', /'unarmed'/],
    ]);
    await b.device('nvdimm,id=nv2,memdev=odd');
    await b.device('nvdimm,id=nv3,memdev=mem3');
    await tryAll([['nvdimm,id=nv4,memdev=mem4', 'memory-slot', "device 'nv4': all of the 3 slots are in use; give the machine more with -m slots=4"]]);
    // A virtio device takes no slot, and counts all the same.
    await b.device('virtio-pmem-pci,id=vp1,memdev=mem4');
    if (!running) await b.machine.start();
    expect(b.machine.guest.disks().map(({ id }) => id).toSorted()).toEqual(['nv1', 'nv2', 'nv3', 'vp1']);
  });

  it('on a machine without nvdimm=on, slots, or room', async () => {
    await start({ machine: ['pc'] });
    await tryAll([['nvdimm,id=nv1,memdev=mem1', 'not-supported', "device 'nv1': nvdimm is not enabled, as nothing would tell the guest of it; start the machine with -machine TYPE,nvdimm=on"]]);
    await b.close();
    await start({ memory: '256M,maxmem=1G' });
    await tryAll([['nvdimm,id=nv1,memdev=mem1', 'memory-slot', /needs a slot, and the machine has none; give it some with -m SIZE,slots=N,maxmem=SIZE/]]);
    await b.close();
    await start({ memory: '256M' });
    await tryAll([['nvdimm,id=nv1,memdev=mem1', 'memory-slot', /needs a slot/]]);
    expect(() => EmbeddedMachine.create({ machine: ['pc,nvdimm=on'], memory: '1M,slots=1,maxmem=1G', warn: () => undefined })).toThrow('-m: size=1048576 is too little for the tables that tell of nvdimm devices; give it 2097152 (2M) or more, or leave out nvdimm=on');
  });
});

describe('device_del of an nvdimm', () => {
  it('is refused while the machine runs, as by QEMU, and the guest keeps it', async () => {
    await start();
    await b.device('nvdimm,id=nv1,memdev=mem1');
    await b.machine.start();
    await expect(b.machine.deleteDevice('nv1')).rejects.toMatchObject({ code: 'not-supported', message: expect.stringMatching(/^device 'nv1': nvdimm device hot unplug is not supported/) as string });
    await b.machine.guest.write('nv1', 0, Buffer.from('x'));
    await expect(b.machine.deleteObject('mem1')).rejects.toMatchObject({ code: 'object-busy' });
  });

  it('takes it out of a machine that has not started', async () => {
    await start();
    const before = await everything(b.machine);
    await b.device('nvdimm,id=nv1,memdev=mem1,label-size=128K');
    await b.machine.deleteDevice('nv1');
    expect(b.events).toEqual([{ name: 'DEVICE_DELETED', data: { device: 'nv1', path: '/machine/peripheral/nv1' } }]);
    expect(await everything(b.machine)).toEqual(before);
    await b.machine.deleteObject('mem1');
    // In the middle of where the first was: nothing of that may be left there.
    await b.files(['part'], '1M');
    await b.device('nvdimm,id=nv1,memdev=part,addr=0x100200000');
    await b.machine.start();
    expect(b.machine.guest.disks()).toMatchObject([{ id: 'nv1', address: 0x1_0020_0000n }]);
    await b.machine.guest.write('nv1', 0, Buffer.from('second'));
    expect(readFileSync(b.path('part')).subarray(0, 6).toString()).toBe('second');
  });
});

describe('monitors see of it what they see of QEMU\'s', () => {
  it('in every list there is', async () => {
    await start();
    await b.device('nvdimm,id=nv1,memdev=mem1,label-size=128K,unarmed=on,uuid=6a1ecb18-9d36-4c53-8a37-11c8d6a52e01');
    await b.machine.start();
    await b.device('nvdimm,memdev=mem2,slot=2,addr=0x140000000');
    const size = 4 * MIB - 128 * 1024;
    expect(await b.machine.memoryDevices()).toEqual([
      { type: 'nvdimm', id: 'nv1', memdev: '/objects/mem1', memaddr: 0x1_0000_0000n, size, dimm: { slot: 0, node: 0, hotplugged: false, hotpluggable: true } },
      { type: 'nvdimm', id: undefined, memdev: '/objects/mem2', memaddr: 0x1_4000_0000n, size: 4 * MIB, dimm: { slot: 2, node: 0, hotplugged: true, hotpluggable: true } },
    ]);
    expect(b.machine.memorySize()).toEqual({ base: 256 * MIB, plugged: size + 4 * MIB });
    expect(b.machine.backends()[0]).toMatchObject({ id: 'mem1', user: '/machine/peripheral/nv1' });
    const node = findObject(b.machine.tree(), '/machine/peripheral/nv1');
    expect(Object.entries(node?.properties ?? {}).map(([name, { type }]) => `${name} (${type})`)).toEqual([
      'type (string)', 'realized (bool)', 'hotplugged (bool)', 'hotpluggable (bool)', 'memdev (link<memory-backend>)', 'node (uint32)', 'addr (uint64)', 'slot (int32)', 'unarmed (bool)', 'uuid (QemuUUID)', 'label-size (int)', 'size (uint64)',
    ]);
    expect([node?.properties.size?.value, node?.properties.uuid?.value, node?.properties['label-size']?.value]).toEqual([size, '6a1ecb18-9d36-4c53-8a37-11c8d6a52e01', 128 * 1024]);
    const [space] = await b.machine.addressSpaces();
    expect(space?.root.children.find(({ name }) => name === 'device-memory')?.children).toEqual([
      { name: 'nvdimm-memory', alias: 'mem1', type: 'nv-ram', start: 0x1_0000_0000n, size: BigInt(size), children: [] },
      { name: 'nvdimm-memory', alias: 'mem2', type: 'nv-ram', start: 0x1_4000_0000n, size: 4n * 2n ** 20n, children: [] },
    ]);
    // It is on no bus.
    expect(JSON.stringify(await b.machine.mainBus())).not.toContain('nvdimm');
    expect((await b.machine.pmem()).map(({ type, id, size: bytes, driver, flushes, exposure }) => [type, id, bytes, driver, flushes.asked, exposure])).toEqual([
      ['nvdimm', 'nv1', size, 'none', 0, undefined],
      ['nvdimm', 'mem2', 4 * MIB, 'none', 0, undefined],
    ]);
  });
});
