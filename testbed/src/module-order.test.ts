import { describe, expect, it } from 'vitest';
import { moduleName, orderModules, parseModules } from './module-order.ts';

const index = parseModules(
  [
    'kernel/drivers/nvdimm/virtio_pmem.ko.xz: kernel/drivers/nvdimm/libnvdimm.ko.xz kernel/drivers/nvdimm/nd_virtio.ko.xz',
    'kernel/drivers/nvdimm/nd_virtio.ko.xz: kernel/drivers/virtio/virtio.ko.xz',
    'kernel/drivers/nvdimm/libnvdimm.ko.xz:',
    'kernel/drivers/virtio/virtio.ko.xz:',
    'kernel/a-one.ko: kernel/b-two.ko',
    'kernel/b-two.ko: kernel/a-one.ko',
    '',
  ].join('\n'),
  'kernel/fs/ext4/ext4.ko\nkernel/drivers/dax/dax.ko\n',
);

describe('orderModules', () => {
  it('puts each module after what it needs, once', () => {
    const order = orderModules(index, ['virtio_pmem', 'nd_virtio']).map(moduleName);
    expect(order).toEqual(['libnvdimm', 'virtio', 'nd_virtio', 'virtio_pmem']);
  });

  it('leaves out what is built in', () => {
    expect(orderModules(index, ['ext4', 'dax'])).toEqual([]);
  });

  it('refuses what there is not', () => {
    expect(() => orderModules(index, ['xfs'])).toThrow("no module 'xfs'");
  });

  it('refuses a circle', () => {
    expect(() => orderModules(index, ['a-one'])).toThrow('a_one → b_two → a_one');
  });
});

it('moduleName takes a path or a name, with either dash', () => {
  expect(['kernel/fs/xfs/xfs.ko.xz', 'nd-virtio.ko', 'nd-virtio', 'lib/x/dm-mod.ko.zst'].map(moduleName)).toEqual(['xfs', 'nd_virtio', 'nd_virtio', 'dm_mod']);
});
