import { FlushError, GuestError } from '@vpmem/guest';
import { explainError, type ManagedMachine } from '@vpmem/machine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MachineBench } from '../tests/machine-bench.ts';

const MIB = 2 ** 20;
const LABELS = 128 * 1024;

let bench: MachineBench;
beforeEach(() => {
  bench = new MachineBench({ machine: ['pc,nvdimm=on'], memory: '256M,slots=4,maxmem=2G' });
});
afterEach(() => bench.close());

describe('the console of an embedded guest', () => {
  it('makes labels, namespaces and disks of an NVDIMM, by its id or its name', async () => {
    const { machine: vm } = bench;
    await bench.files(['mem1', 'mem2'], '6M');
    await bench.device('nvdimm,id=nv1,memdev=mem1');
    await bench.device('nvdimm,id=nv2,memdev=mem2,label-size=128K');
    expect(vm.guest.dimms()).toEqual([]);
    await expect(vm.guest.initialiseLabels('nv2')).rejects.toThrow('the guest has not started');
    await vm.start();
    const whole = { uuid: undefined, name: '', offset: 0 };
    expect(vm.guest.dimms()).toEqual([
      { name: 'nmem0', id: 'nv1', address: 0x1_0000_0000n, size: 6 * MIB, armed: true, labelSize: 0, labelVersion: undefined, namespaces: [{ ...whole, size: 6 * MIB, disk: 'pmem0' }] },
      { name: 'nmem1', id: 'nv2', address: 0x1_0060_0000n, size: 6 * MIB - LABELS, armed: true, labelSize: LABELS, labelVersion: undefined, namespaces: [{ ...whole, size: 6 * MIB - LABELS, disk: 'pmem1' }] },
    ]);

    await vm.guest.initialiseLabels('nmem1');
    const log = await vm.guest.createNamespace('nv2', { name: 'log', size: 2 * MIB });
    expect(log).toMatchObject({ name: 'log', offset: 0, size: 2 * MIB, disk: 'pmem1' });
    await vm.guest.createNamespace('nmem1', {});
    expect(vm.guest.dimms()[1]).toMatchObject({ labelVersion: '1.2', namespaces: [log, { name: '', offset: 2 * MIB, size: 2 * MIB, disk: 'pmem2' }] });
    await vm.guest.destroyNamespace('nv2', log.uuid ?? '');
    expect(vm.guest.disks().map(({ name, id }) => `${name} of ${id}`)).toEqual(['pmem0 of nv1', 'pmem2 of nv2']);
    expect(bench.warnings).toEqual([]);
  });

  it('says which NVDIMMs there are', async () => {
    const { machine: vm } = bench;
    await vm.start();
    await expect(vm.guest.createNamespace('nv1', {})).rejects.toThrow("the guest has no NVDIMM 'nv1', nor any other");
    await bench.files(['mem1', 'mem2'], '6M');
    await bench.device('nvdimm,id=nv1,memdev=mem1');
    await bench.device('nvdimm,memdev=mem2');
    await expect(vm.guest.destroyNamespace('nmem2', '')).rejects.toThrow("the guest has no NVDIMM 'nmem2'; it has 'nv1', 'nmem1'");
  });

  it('waits with labels until the guest runs', async () => {
    const { machine: vm } = bench;
    await bench.files(['mem1'], '6M');
    await bench.device('nvdimm,id=nv1,memdev=mem1,label-size=128K');
    await vm.start();
    await vm.stop();
    const done = vm.guest.initialiseLabels('nv1');
    expect(vm.guest.disks()).toHaveLength(1);
    await vm.cont();
    await done;
    expect(vm.guest.disks()).toEqual([]);
  });

  it.each<[string, new (message: string) => Error, (vm: Required<Pick<ManagedMachine, 'guest'>>) => Promise<unknown>]>([
    ['a disk there is not', GuestError, ({ guest }) => guest.read('nv9', 0, 1)],
    ['bytes outside the disk', GuestError, ({ guest }) => guest.write('nv1', 6 * MIB, Buffer.from('x'))],
    ['a flush that fails', FlushError, ({ guest }) => guest.fsync('nv1')],
    ['a disk in use that there is not', GuestError, ({ guest }) => guest.setInUse('nv9', true)],
    ['labels where there is no room for any', GuestError, ({ guest }) => guest.initialiseLabels('nv2')],
    ['a namespace where there are no labels', GuestError, ({ guest }) => guest.createNamespace('nv2', {})],
    ['a namespace to destroy that there is not', GuestError, ({ guest }) => guest.destroyNamespace('nv2', 'none')],
  ])('%s: an error of the machine, in the guest\'s words', async (_, cause, act) => {
    const { machine: vm } = bench;
    await bench.files(['mem1', 'mem2'], '6M');
    await bench.device('virtio-pmem-pci,id=nv1,memdev=mem1,flush-fault=error');
    await bench.device('nvdimm,id=nv2,memdev=mem2');
    await vm.start();
    const error: unknown = await act(vm).then(() => undefined, (why: unknown) => why);
    expect(error).toMatchObject({ name: 'MachineError', code: 'guest', cause: expect.any(cause) as Error });
    expect(explainError(error)).toBe(((error as Error).cause as Error).message);
  });
});
