// Other devices of QEMU's read and write the range themselves: O_DIRECT with a buffer mapped with DAX, and the range as RAM.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { HmpClient } from './monitor-client.ts';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const MIB = 2 ** 20;

describe.skipIf(testbed === undefined)(`DMA of other devices${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  let output = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-dma-'));
    output = '';
    onTestFailed(() => console.error(output));
  });
  afterEach(async () => {
    output = guest?.stderr ?? '';
    await guest?.stop();
    guest = undefined;
    rmSync(folder, { recursive: true });
  });

  const disk = (name: string, size: number): string => {
    const path = join(folder, name);
    writeFileSync(path, '');
    truncateSync(path, size);
    return path;
  };
  const start = async (machine: string, size: string, modules: readonly string[], qemuArgs: readonly string[], options: readonly string[] = []): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuWrapper } = testbed;
    guest = await startGuest({
      testbed,
      machine,
      memory: '512M,slots=2,maxmem=2G',
      ram: [],
      tools: ['fio', 'ndctl'],
      modules,
      qemuArgs: ['-object', `memory-backend-file,id=mem1,share=on,mem-path=${join(folder, 'pmem.img')},size=${size}`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1', ...qemuArgs],
      command: (line) => [process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, ...options, '--', ...line.slice(1)],
    });
    await guest.sh('wait-for /dev/pmem0');
    return guest;
  };
  const mount = (vm: Guest): Promise<string> => vm.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -o dax=always /dev/pmem0 /mnt && truncate -s 16M /mnt/buf');
  /** Writes from a mapped file, then looks at it from ordinary memory, then reads it into the mapped file; of each size, one after the other, as fio takes a second to start. */
  const direct = async (vm: Guest, device: string, sizes: readonly string[]): Promise<void> => {
    const mapped = '--iomem=mmapshared:/mnt/buf';
    const work = [[mapped, '--do_verify=0'], ['--verify_only'], [mapped, '--verify_only']];
    const job = (size: string, more: readonly string[]): string => `--name=j --stonewall --ioengine=libaio --iodepth=8 --direct=1 --rw=write --filename=${device} --size=8m --bs=${size} --verify=crc32c ${more.join(' ')}`;
    await vm.sh(`fio --output-format=terse ${sizes.flatMap((size) => work.map((more) => job(size, more))).join(' ')}`);
  };

  // Each machine and each size, and each of both in the long form.
  const sizes = (...usual: string[]): string[] => (process.env.VPMEM_ALL === '1' ? ['64k', '512k'] : usual);

  it('q35: O_DIRECT between a mapped file and a disk', async () => {
    const vm = await start('q35', '128M', ['virtio_blk'], ['-drive', `file=${disk('d.img', 16 * MIB)},format=raw,if=virtio`]);
    await mount(vm);
    await direct(vm, '/dev/vda', sizes('512k'));
    // Nothing was wrong with the line, so nothing is said.
    expect(vm.stderr).toBe('');
  });

  // One guest for all of these, in this order.
  it('pc: the same with a disk of the line and one that is plugged in, then with the range as RAM; and a word on RAM that comes in private', async () => {
    const socket = join(folder, 'hmp');
    const disks = ['-drive', `file=${disk('d.img', 160 * MIB)},format=raw,if=virtio`, '-object', 'memory-backend-ram,id=d1,size=128M'];
    const vm = await start('pc', '384M', ['virtio_blk', 'kmem'], disks, ['--monitor', `unix:${socket},server=on,wait=off`]);
    await mount(vm);
    await direct(vm, '/dev/vda', ['64k', '512k']);

    const hmp = await HmpClient.connect(socket);
    try {
      expect(await hmp.type(`drive_add 0 if=none,id=d,format=raw,file=${disk('plugged.img', 16 * MIB)}`)).toBe('OK');
      expect(await hmp.type('device_add virtio-blk-pci,id=plugged,drive=d')).toBe('');
      await vm.sh('wait-for /dev/vdb 20');
      await direct(vm, '/dev/vdb', sizes('64k'));
      await vm.sh('umount /mnt');

      await vm.sh('ndctl create-namespace -f -e namespace0.0 -m devdax -M mem');
      // What `daxctl reconfigure-device --mode=system-ram` does.
      await vm.sh('cd /sys/bus/dax/drivers && echo dax0.0 > device_dax/unbind && echo dax0.0 > kmem/new_id');
      await vm.sh('cd /sys/devices/system/memory && for block in memory*/state; do ! grep -q offline $block || echo online > $block || exit 1; done');
      expect(await vm.sh('grep kmem /proc/iomem')).toContain('System RAM (kmem)');
      // With the rest filled, the page cache has to have pages of it.
      await vm.run('dd if=/dev/zero of=/dev/shm/fill bs=1M count=220');
      await vm.sh('fio --name=j --ioengine=psync --rw=write --bs=256k --filename=/dev/vda --size=140m --end_fsync=1 --verify=crc32c --output-format=terse');
      expect(vm.stderr).toBe('');

      expect(await hmp.type('device_add pc-dimm,id=dimm1,memdev=d1')).toBe('');
      await expect.poll(() => vm.stderr).toMatch(/^vpmem: warning: the RAM of pc-dimm 'dimm1' \('d1'\) is private,.* give memory backend 'd1' share=on\n$/);
    } finally {
      hmp.close();
    }
  });
});
