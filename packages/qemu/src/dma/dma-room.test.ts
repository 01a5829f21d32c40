import { describe, expect, it } from 'vitest';
import { splitCommandLine } from '../command-line/command-line.ts';
import { dmaRoom } from './dma-room.ts';

const room = (line: string, hotPlug = false): { args: string[]; warnings: readonly string[]; line: string } => {
  const items = splitCommandLine(line.split(' '));
  const found = dmaRoom(items, { hotPlug });
  return { args: found.args.filter((word) => word !== '-global'), warnings: found.warnings, line: items.flatMap((item) => found.fit(item).words).join(' ') };
};
const globals = (type: string, legacy = true): string[] => [
  `${type}.iommu_platform=on`,
  ...(legacy ? [`${type}.disable-legacy=on`] : []),
  `${type}.x-max-bounce-buffer-size=1G`,
];
const BLK = globals('virtio-blk-pci');
const NET = globals('virtio-net-pci');
const DIES = 'it fails for good when a guest has it read or write persistent memory directly (O_DIRECT with a buffer mapped with DAX, or the range used as RAM)';

describe('room for DMA to our range', () => {
  it.each([
    ['-drive file=d.img,if=virtio', BLK],
    ['-drive if=none,file=d.img,id=d -device virtio-blk-pci,drive=d', BLK],
    ['-blockdev null-co,node-name=d -device {"driver":"virtio-blk","drive":"d"}', BLK],
    ['-device virtio-blk-pci-non-transitional,drive=d', globals('virtio-blk-pci-non-transitional', false)],
    ['-nic user,model=virtio', NET],
    ['-net nic,model=virtio-net-pci -net user', NET],
    ['-netdev tap,id=n -device virtio-net-pci,netdev=n -drive file=d,if=virtio', [...NET, ...BLK]],
    ['-virtfs local,path=/,mount_tag=t,security_model=none', globals('virtio-9p-pci')],
    ['-device virtio-serial', globals('virtio-serial-pci')],
    ['-audio none,model=virtio', globals('virtio-sound-pci', false)],
    ['-device virtio-crypto-pci,cryptodev=c', globals('virtio-crypto-pci', false)],
    ['-device nvme,drive=d,serial=1 -device ich9-ahci -drive file=d,if=ide -nic user -cdrom a.iso -device virtio-rng-pci -device virtio-balloon-pci -device virtio-gpu-pci d.img', []],
    // Where there is an IOMMU of the user's, what is behind it is for him to say.
    ['-device intel-iommu -drive file=d,if=virtio', []],
  ])('%s', (line, args) => {
    expect(room(line)).toEqual({ args, warnings: [], line });
  });

  it('is there for the kinds that may be plugged in', () => {
    expect(room('-m 1G', true).args).toEqual([...BLK, ...NET, ...globals('virtio-serial-pci')]);
    expect(room('-audio none,model=virtio -drive if=virtio,file=d', true).args).toEqual([...BLK, ...NET, ...globals('virtio-serial-pci'), ...globals('virtio-sound-pci', false)]);
  });

  it('leaves what the user said, excepts a device that cannot have it, and warns', () => {
    const set = (text: string): string => `with ${text} ${DIES}; leave ${text} out`;
    for (const [text = '', plain = ''] of [
      ['disable-legacy=off', 'iommu_platform=off'],
      ['disable-legacy=auto', 'iommu_platform=off'],
      ['disable-modern=on', 'iommu_platform=off,disable-legacy=auto'],
      ['iommu_platform=off', 'disable-legacy=auto'],
    ]) {
      const device = `-device virtio-blk-pci,drive=d,${text}`;
      expect(room(`${device} -drive if=virtio,file=e`)).toEqual({ args: BLK, warnings: [`${device}: ${set(text)}`], line: `${device},${plain} -drive if=virtio,file=e` });
    }
    const json = '-device {"driver":"virtio-blk-pci","disable-modern":true}';
    expect(room(json).line).toBe('-device {"driver":"virtio-blk-pci","disable-modern":true,"iommu_platform":false,"disable-legacy":"auto"}');
    const little = '-device virtio-blk-pci,drive=d,x-max-bounce-buffer-size=4096';
    expect(room(little)).toEqual({ args: BLK, warnings: [`${little}: ${set('x-max-bounce-buffer-size=4096')}`], line: little });
    const enough = '-device virtio-blk-pci,drive=d,iommu_platform=on,x-max-bounce-buffer-size=64M,disable-legacy=on';
    expect(room(enough)).toEqual({ args: BLK, warnings: [], line: enough });
    expect(room('-device virtio-blk-pci,id=b -set device.b.disable-legacy=off').line).toBe('-device virtio-blk-pci,id=b,iommu_platform=off -set device.b.disable-legacy=off');
  });

  it.each([
    ['virtio-blk-pci.disable-legacy=off', 'disable-legacy=off'],
    ['virtio-blk-pci.iommu_platform=off', 'iommu_platform=off'],
    ['virtio-blk-device.iommu_platform=off', 'iommu_platform=off'],
    ['virtio-device.iommu_platform=off', 'iommu_platform=off'],
    ['driver=virtio-pci,property=disable-modern,value=on', 'disable-modern=on'],
  ])('leaves -global %s, and warns', (text, set) => {
    expect(room(`-drive if=virtio,file=d -global ${text}`)).toMatchObject({ args: [], warnings: [`-global ${text}: with ${set} ${DIES}; leave ${set} out`] });
    expect(room(`-drive if=virtio,file=d -global ${text.replace('blk', 'scsi').replace('virtio-device', 'virtio-net-device').replace('virtio-pci', 'virtio-net-pci')}`)).toMatchObject({ args: BLK, warnings: [] });
  });

  it.each([
    ['-device virtio-scsi-pci,id=s', 'it hangs for good when a guest has it read or write'],
    ['-device virtio-scsi', 'it hangs for good when a guest has it read or write'],
    ['-device virtio-scsi-pci,iommu_platform=on,x-max-bounce-buffer-size=1G', 'what it reads into'],
    ['-device virtio-blk-pci-transitional,drive=d', 'leave -transitional out'],
    ['-device vhost-user-fs-pci,chardev=c,tag=t', 'its back end is outside QEMU'],
    ['-netdev vhost-user,id=n,chardev=c', 'its back end is outside QEMU'],
  ])('warns of %s', (line, warning) => {
    const { args, warnings } = room(line);
    expect([args, warnings]).toEqual([[], [expect.stringContaining(warning) as string]]);
    expect(warnings[0]).toMatch(line);
  });

  it('says the same once, of the first', () => {
    expect(room('-device virtio-scsi-pci,id=a -device virtio-scsi-pci,id=b').warnings).toEqual([expect.stringContaining('id=a') as string]);
  });

  it('leaves a network device alone whose data goes past QEMU', () => {
    const tap = '-netdev tap,id=n,vhost=on -device virtio-net-pci,netdev=n';
    expect(room(`${tap} -nic user,model=virtio`)).toEqual({ args: NET, warnings: [], line: `${tap},iommu_platform=off,disable-legacy=auto -nic user,model=virtio` });
    expect(room('-nic tap,model=virtio,vhost=on')).toEqual({ args: [], warnings: [], line: '-nic tap,model=virtio,vhost=on' });
    const { args, line } = room('-netdev {"type":"vhost-user","id":"n","chardev":"c"} -device virtio-net-pci,netdev=n');
    expect([args, line]).toEqual([NET, '-netdev {"type":"vhost-user","id":"n","chardev":"c"} -device virtio-net-pci,netdev=n,iommu_platform=off,disable-legacy=auto']);
  });
});
