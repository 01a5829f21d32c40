import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { everything, MachineBench } from '../../tests/machine-bench.ts';

const MIB = 2 ** 20;
const LABELS = 128 * 1024;
const benches: MachineBench[] = [];
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close();
});
function bench(options: ConstructorParameters<typeof MachineBench>[0] = {}): MachineBench {
  const made = new MachineBench({ machine: ['pc,nvdimm=on,nvdimm-persistence=cpu'], memory: '256M,slots=4,maxmem=2G', ...options });
  benches.push(made);
  return made;
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe.each(['pc', 'q35'])('nvdimm devices on %s', (family) => {
  it('are found through ACPI, with and without labels, from the start and later, and after a reset', async () => {
    const b = bench({ machine: [`${family},nvdimm=on`] });
    const { machine: vm } = b;
    await b.files(['mem1', 'mem2', 'mem3'], '6M');
    expect(await b.device(`nvdimm,id=nv1,memdev=mem1`)).toEqual({ id: 'nv1', path: '/machine/peripheral/nv1', plug: undefined });
    await b.device(`nvdimm,id=nv2,memdev=mem2,label-size=128K`);
    await vm.start();
    const seen = (): unknown[] => vm.guest.disks().map(({ name, id, address, size }) => [name, id, address, size]);
    // The second is a page of labels and what is left.
    const cold = [['pmem0', 'nv1', 0x1_0000_0000n, 6 * MIB], ['pmem1', 'nv2', 0x1_0060_0000n, 6 * MIB - LABELS]];
    expect(seen()).toEqual(cold);
    await b.device('nvdimm,memdev=mem3,slot=3');
    const all = [...cold, ['pmem2', undefined, 0x1_00c0_0000n - BigInt(LABELS), 6 * MIB]];
    expect(seen()).toEqual(all);
    for (const disk of ['nv1', 'nv2', 'pmem2']) {
      await vm.guest.write(disk, 4096, Buffer.from(disk));
      await vm.guest.fsync(disk);
    }
    await vm.reset();
    expect(seen()).toEqual(all);
    for (const disk of ['nv1', 'nv2', 'pmem2']) expect(text(await vm.guest.read(disk, 4096, disk.length))).toBe(disk);
    expect(['mem1', 'mem2', 'mem3'].map((id) => readFileSync(b.path(id)).subarray(4096, 4099).toString())).toEqual(['nv1', 'nv2', 'pme']);
    expect(b.warnings).toEqual([]);
  });
});

describe('labels', () => {
  it('are written by the guest through the machine, and a namespace made with them is there after a reset and in the next machine', async () => {
    const first = bench();
    await first.files(['mem1'], '6M');
    const file = first.path('mem1');
    await first.device('nvdimm,id=nv1,memdev=mem1,label-size=128K');
    await first.machine.start();
    const [module] = first.machine.guest.nvdimms;
    module?.initialiseLabels();
    expect(first.machine.guest.disks()).toEqual([]);
    module?.createNamespace({ name: 'log', size: 2 * MIB });
    module?.createNamespace({ size: 2 * MIB });
    await expect(first.machine.guest.read('nv1', 0, 1)).rejects.toThrow("device 'nv1' is several disks, 'pmem0', 'pmem1'; say which");
    await first.machine.guest.write('pmem1', 0, Buffer.from('second'));
    await first.machine.reset();
    const disks = first.machine.guest.disks().map(({ address, size, id }) => [address, size, id]);
    expect(disks).toEqual([[0x1_0000_0000n, 2 * MIB, 'nv1'], [0x1_0020_0000n, 2 * MIB, 'nv1']]);
    await first.machine.close();

    const second = bench();
    await second.object(`memory-backend-file,id=mem1,share=on,mem-path=${file},size=6M`);
    await second.device('nvdimm,id=nv1,memdev=mem1,label-size=128K');
    await second.machine.start();
    expect(second.machine.guest.disks().map(({ address, size, id }) => [address, size, id])).toEqual(disks);
    expect(text(await second.machine.guest.read('pmem1', 0, 6))).toBe('second');
    expect(second.warnings).toEqual([]);
  });
});

describe('the end of a file that labels take', () => {
  /** A machine with a file that holds `bytes` at `at`. */
  const used = async (at: number, bytes: string | Uint8Array): Promise<MachineBench> => {
    const b = bench();
    const contents = Buffer.alloc(4 * MIB);
    contents.set(Buffer.from(bytes), at);
    writeFileSync(b.path('mem1'), contents);
    await b.files(['mem1']);
    return b;
  };

  it('is refused with data in it, unless the device is told to go on', async () => {
    const b = await used(4 * MIB - 5000, 'the end of a file system');
    const before = await everything(b.machine);
    await expect(b.device('nvdimm,id=nv1,memdev=mem1,label-size=128K')).rejects.toMatchObject({
      code: 'hidden-data',
      property: 'label-size',
      message:
        "device 'nv1': label-size 131072 would hide the last 131072 bytes of memdev 'mem1', which look like data (from byte 4189304 on); make the backend 131072 bytes larger, leave label-size out, or allow it if they are of no use, with hide-data=on",
    });
    expect(await everything(b.machine)).toEqual(before);
    await b.device('nvdimm,id=nv1,memdev=mem1,label-size=128K,hide-data=on');
    expect(b.warnings).toEqual(["device 'nv1': the last 131072 bytes of memory backend 'mem1' hold labels now; a guest that has used it without label-size no longer sees them"]);
  });

  it('is warned of where it is blank and the rest was used, and not where nothing was', async () => {
    const b = await used(4096, 'data');
    await b.device('nvdimm,id=nv1,memdev=mem1,label-size=128K');
    expect(b.warnings).toEqual([expect.stringMatching(/no longer sees them/)]);
    await b.files(['mem2']);
    await b.device('nvdimm,id=nv2,memdev=mem2,label-size=128K');
    expect(b.warnings).toHaveLength(1);
  });
});

describe('read-only memory', () => {
  it('is an nvdimm that the guest knows not to persist, and cannot write to', async () => {
    const b = bench();
    writeFileSync(b.path('mem1'), Buffer.alloc(4 * MIB, 'x'));
    await b.object(`memory-backend-file,id=mem1,share=on,readonly=on,mem-path=${b.path('mem1')},size=4M`);
    await b.device('nvdimm,id=nv1,memdev=mem1,unarmed=on');
    await b.machine.start();
    expect(text(await b.machine.guest.read('nv1', 9, 3))).toBe('xxx');
    await expect(b.machine.guest.write('nv1', 9, Buffer.from('y'))).rejects.toThrow(/read-only/);
  });

  it('has labels that the guest cannot write', async () => {
    const b = bench();
    writeFileSync(b.path('mem1'), Buffer.alloc(4 * MIB));
    await b.object(`memory-backend-file,id=mem1,readonly=on,mem-path=${b.path('mem1')},size=4M`);
    await b.device('nvdimm,id=nv1,memdev=mem1,unarmed=on,label-size=128K');
    await b.machine.start();
    expect(() => b.machine.guest.nvdimms[0]?.initialiseLabels()).toThrow(/_LSW answered status 1/);
  });

  it('with rom=off is a private copy, which it can write to', async () => {
    const b = bench();
    writeFileSync(b.path('mem1'), Buffer.alloc(4 * MIB, 'x'));
    await b.object(`memory-backend-file,id=mem1,readonly=on,rom=off,mem-path=${b.path('mem1')},size=4M`);
    await b.device('nvdimm,id=nv1,memdev=mem1');
    await b.machine.start();
    await b.machine.guest.write('nv1', 0, Buffer.from('y'));
    expect(text(await b.machine.guest.read('nv1', 0, 1))).toBe('y');
    expect(readFileSync(b.path('mem1'))[0]).toBe('x'.charCodeAt(0));
  });
});

describe('two machines on one file', () => {
  const pair = async (share: 'share=on,share-rw=on' | 'share=off'): Promise<[MachineBench, MachineBench]> => {
    const [one, two] = [bench(), bench()];
    writeFileSync(one.path('mem1'), Buffer.alloc(4 * MIB));
    for (const b of [one, two]) {
      await b.object(`memory-backend-file,id=mem1,${share},mem-path=${one.path('mem1')},size=4M`);
      await b.device('nvdimm,id=nv1,memdev=mem1');
      await b.machine.start();
    }
    return [one, two];
  };

  it('with share=on,share-rw=on see what the other stores, at once', async () => {
    const [one, two] = await pair('share=on,share-rw=on');
    await one.machine.guest.write('nv1', 0, Buffer.from('ping'));
    expect(text(await two.machine.guest.read('nv1', 0, 4))).toBe('ping');
    await two.machine.guest.write('nv1', 0, Buffer.from('pong'));
    expect(text(await one.machine.guest.read('nv1', 0, 4))).toBe('pong');
  });

  it('with share=off do not, and the file stays as it was', async () => {
    const [one, two] = await pair('share=off');
    await one.machine.guest.write('nv1', 0, Buffer.from('ping'));
    await two.machine.guest.write('nv1', 4, Buffer.from('pong'));
    expect(text(await two.machine.guest.read('nv1', 0, 8))).toBe('\0\0\0\0pong');
    expect(text(await one.machine.guest.read('nv1', 0, 8))).toBe('ping\0\0\0\0');
    for (const b of [one, two]) await b.machine.close();
    expect(readFileSync(one.path('mem1')).every((byte) => byte === 0)).toBe(true);
  });
});
