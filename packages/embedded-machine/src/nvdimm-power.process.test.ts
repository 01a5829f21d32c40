import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MachineBench } from '../tests/machine-bench.ts';

const MIB = 2 ** 20;

/** An nvdimm with labels and a virtio-pmem beside it, both of which lose what is not durable. */
describe('the power of an nvdimm', () => {
  let b: MachineBench;
  const store = (disk: string, offset: number, text: string): Promise<void> => b.machine.guest.write(disk, offset, Buffer.from(text));
  const load = async (disk: string, offset: number, length: number): Promise<string> => Buffer.from(await b.machine.guest.read(disk, offset, length)).toString();
  const inFile = (id: string, offset: number, length: number): string => readFileSync(b.path(id)).subarray(offset, offset + length).toString();
  beforeEach(async () => {
    b = new MachineBench({ machine: ['q35,nvdimm=on'], memory: '256M,slots=2,maxmem=1G' });
    for (const id of ['mem1', 'mem2']) await b.object(`memory-backend-file,id=${id},share=on,power-failure=on,mem-path=${b.path(id)},size=6M`);
    await b.device('nvdimm,id=nv1,memdev=mem1,label-size=128K');
    await b.device('virtio-pmem-pci,id=vp1,memdev=mem2');
    await b.machine.start();
  });
  afterEach(() => b.close());

  it('takes everything with it that was stored, fsync or not; the guest starts anew, and the other device keeps what it had', async () => {
    for (const disk of ['nv1', 'vp1']) {
      await store(disk, 0, 'stored');
      await b.machine.guest.fsync(disk);
    }
    expect([inFile('mem1', 0, 6), inFile('mem2', 0, 6)]).toEqual(['\0\0\0\0\0\0', 'stored']);
    expect(await b.machine.failures.powerCut('nv1', { seed: 3 })).toEqual({ flush: undefined, lostBytes: 6, survivedBytes: 0, seed: 3, image: undefined });
    expect(b.events).toEqual([
      { name: 'STOP', data: {} },
      { name: 'PMEM_POWER_CUT', data: { device: 'nv1', path: '/machine/peripheral/nv1', 'lost-bytes': 6, 'survived-bytes': 0, seed: 3 } },
    ]);
    expect([b.machine.runState(), b.machine.guest.disks()]).toEqual(['prelaunch', []]);
    await b.machine.cont();
    expect([await load('nv1', 0, 6), await load('vp1', 0, 6)]).toEqual(['\0\0\0\0\0\0', 'stored']);
  });

  it('takes labels too: they are stores like any other', async () => {
    b.machine.guest.nvdimms[0]?.initialiseLabels();
    b.machine.guest.nvdimms[0]?.createNamespace({ size: 2 * MIB });
    expect(b.machine.guest.nvdimms[0]?.labels()?.labels).toHaveLength(1);
    await b.machine.failures.powerCut('nv1', {});
    await b.machine.cont();
    expect(b.machine.guest.nvdimms[0]?.labels()).toBeUndefined();
    expect(b.machine.guest.disks().map(({ id, size }) => [id, size])).toContainEqual(['nv1', 6 * MIB - 128 * 1024]);
  });

  it('may leave what the seed says', async () => {
    await store('nv1', 0, 'left');
    expect(await b.machine.failures.powerCut('nv1', { survivors: 'all' })).toMatchObject({ lostBytes: 0, survivedBytes: 4 });
    await b.machine.cont();
    expect([await load('nv1', 0, 4), inFile('mem1', 0, 4)]).toEqual(['left', 'left']);
  });

  it('can be asked about beforehand: how much there is to lose, and an image of what would be left', async () => {
    await store('nv1', 4096, 'twelve bytes');
    const image = join(b.folder, 'image.img');
    const [info] = await b.machine.pmem();
    expect(info).toMatchObject({ type: 'nvdimm', id: 'nv1', exposure: { bytes: 12, oldest: expect.any(Number) as number, cuts: 0 } });
    expect(await b.machine.failures.powerCut('nv1', { image })).toMatchObject({ lostBytes: 12, image });
    expect(await load('nv1', 4096, 12)).toBe('twelve bytes');
    expect(readFileSync(image).every((byte) => byte === 0)).toBe(true);
    expect(readFileSync(image)).toHaveLength(6 * MIB);
  });

  it('lasts to an end in good order, which makes all of it durable', async () => {
    await store('nv1', 0, 'stored');
    await b.machine.quit();
    await b.machine.close();
    expect(inFile('mem1', 0, 6)).toBe('stored');
  });

  it('cannot be cut at a flush, and no flush can fail: there is none', async () => {
    await expect(b.machine.failures.powerCut('nv1', { atFlush: 1 })).rejects.toMatchObject({
      code: 'not-supported',
      property: 'at-flush',
      message: "device 'nv1' is an nvdimm: it has no flush at which its power could be cut; leave out at-flush",
    });
    await expect(b.machine.failures.flushFault('nv1', { fault: 'error' })).rejects.toMatchObject({ code: 'not-supported', message: "device 'nv1' is an nvdimm: it has no flush that could fail" });
    await expect(b.machine.failures.flushLimit('nv1', { ops: 1 })).rejects.toMatchObject({ code: 'not-supported', message: "device 'nv1' is an nvdimm: it has no flush that could be limited" });
    await b.machine.guest.fsync('nv1');
  });
});
