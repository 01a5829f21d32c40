import type { Properties, PropertySource } from '@vpmem/options';
import { describe, expect, it } from 'vitest';
import type { QemuMonitor } from '../running/qemu-monitor.ts';
import { checkPluggedRam } from '../plug/plugged-ram.ts';
import { pluggedDma } from './plugged-dma.ts';

const monitor = (answers: Readonly<Record<string, unknown>>): QemuMonitor => ({
  execute: (command) => Promise.resolve(answers[command]),
  onEvent: () => () => undefined,
  ended: Promise.resolve(),
});
const NETWORK = 'hub 0\r\n \\ x: index=0,type=tap\r\nn1: index=0,type=vhost-user,chardev=c\r\nn: index=0,type=user,net=10.0.2.0\r\n \\ nv: index=0,type=nic,model=virtio-net-pci\r\n';
const qemu = monitor({ 'human-monitor-command': NETWORK, 'query-memdev': [{ id: 'd1', share: false }, { id: 'd2', share: true }] });

describe('a device that is plugged in', () => {
  const plug = async (properties: Properties, form: 'text' | 'json' = 'text'): Promise<{ added: Properties; warning: string | undefined }> => {
    const source: PropertySource = { form, properties };
    const { source: given, warning } = await pluggedDma(qemu, source);
    const added = Object.fromEntries(Object.entries(given.properties).filter(([name]) => !(name in properties)));
    return { added, warning };
  };

  it('has its room already', async () => {
    expect(await plug({ driver: 'virtio-blk-pci', drive: 'd' })).toEqual({ added: {}, warning: undefined });
    expect(await plug({ driver: 'nvme', drive: 'd' })).toEqual({ added: {}, warning: undefined });
    expect(await plug({ driver: 'virtio-net-pci', netdev: 'n' })).toEqual({ added: {}, warning: undefined });
  });

  it('is excepted where QEMU would refuse it, with a warning', async () => {
    const warning = expect.stringMatching(/^device_add virtio-blk-pci, id 'b': with disable-legacy=off it fails for good when .*; leave disable-legacy=off out$/) as string;
    expect(await plug({ driver: 'virtio-blk', id: 'b', 'disable-legacy': 'off' })).toEqual({ added: { iommu_platform: 'off' }, warning });
    expect(await plug({ driver: 'virtio-blk-pci', id: 'b', 'disable-legacy': 'off' }, 'json')).toEqual({ added: { iommu_platform: false }, warning });
    expect(await plug({ driver: 'virtio-blk-pci', iommu_platform: false }, 'json')).toEqual({ added: { 'disable-legacy': 'auto' }, warning: expect.stringMatching(/with iommu_platform=off it fails/) as string });
    expect(await plug({ driver: 'virtio-net-pci', netdev: 'n1' })).toEqual({ added: { iommu_platform: 'off', 'disable-legacy': 'auto' }, warning: expect.stringMatching(/its back end is outside QEMU/) as string });
  });

  it.each([
    [{ driver: 'virtio-scsi-pci' }, /hangs for good/],
    [{ driver: 'virtio-scsi-pci', iommu_platform: true, 'x-max-bounce-buffer-size': 1 << 30 }, /is lost without an error/],
    [{ driver: 'virtio-net-pci-transitional' }, /leave -transitional out/],
    [{ driver: 'vhost-user-blk-pci' }, /outside QEMU/],
  ])('%j is warned of', async (properties, warning) => {
    expect(await plug(properties, 'json')).toEqual({ added: {}, warning: expect.stringMatching(warning) as string });
  });
});

it('private RAM that is plugged in is warned of', async () => {
  for (const driver of ['pc-dimm', 'virtio-mem-pci']) {
    for (const memdev of ['d1', '/objects/d1']) {
      expect(await checkPluggedRam(qemu, { driver, id: 'dimm1', memdev })).toMatch(new RegExp(`^the RAM of ${driver} 'dimm1' \\('d1'\\) is private,.* give memory backend 'd1' share=on$`));
    }
    expect(await checkPluggedRam(qemu, { driver, memdev: 'd2' })).toBeUndefined();
  }
  expect(await checkPluggedRam(qemu, { driver: 'nvdimm', memdev: 'd1' })).toBeUndefined();
});
