// Both devices in one guest: an unmodified Linux in an unmodified QEMU finds them and uses them.
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { ExampleProcess } from './example-process.ts';

const { testbed, reason } = await requireTestbed();
const SIZE = 64 * 2 ** 20;
const [FLUSH, PACKED] = [9, 34];

describe.skipIf(testbed === undefined)(`the examples in a guest${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let entropy: ExampleProcess;
  let block: ExampleProcess;
  let guest: Guest;
  const path = (name: string): string => join(folder, name);
  const syncs = (): number => readFileSync(path('strace.log'), 'utf8').match(/fdatasync\(\d+\)? += 0|fdatasync resumed>\) += 0/g)?.length ?? 0;
  const sh = (script: string): Promise<string> => {
    onTestFailed(() => console.error(entropy.stderr, block.stderr, guest.console.slice(-3000)));
    return guest.sh(script, { timeout: 100_000 });
  };

  beforeAll(async () => {
    if (testbed === undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'vpmem-examples-'));
    writeFileSync(path('disk.img'), '');
    truncateSync(path('disk.img'), SIZE);
    const strace = [...testbed.straceCommand, '-D', '-f', '-e', 'trace=fdatasync', '-o', path('strace.log')];
    entropy = await ExampleProcess.start('entropy', [path('entropy.sock')]);
    block = await ExampleProcess.start('block', [path('block.sock'), path('disk.img')], strace);
    const qemuArgs = ['-device', entropy.device, '-device', block.device];
    guest = await startGuest({ testbed, modules: ['virtio_blk', 'virtio_rng'], qemuArgs });
  });
  afterAll(async () => {
    if (testbed === undefined) return;
    await guest.stop();
    await entropy.end('SIGKILL');
    await block.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('/dev/hwrng is the entropy device, and no two reads of it are alike', async () => {
    expect(await sh('cat /sys/class/misc/hw_random/rng_current')).toMatch(/^virtio_rng\.\d+$/);
    const read = async (): Promise<string> => sh('head -c 1000 /dev/hwrng | od -A n -t x1 -v | tr -d " \\n"');
    const [one, other] = [await read(), await read()];
    expect([one.length, other.length]).toEqual([2000, 2000]);
    expect(one).not.toBe(other);
    // 1000 random bytes miss a fifth of all values or fewer; a thousand zeroes all but one.
    expect(new Set(one.match(/../g)).size).toBeGreaterThan(200);
  });

  it('/dev/vda is as large as the file, is flushed, and one of the two has a packed ring', async () => {
    const has = async (driver: string, bit: number): Promise<boolean> => (await sh(`cat /sys/bus/virtio/drivers/${driver}/virtio*/features`))[bit] === '1';
    expect([await has('virtio_rng', PACKED), await has('virtio_blk', PACKED), await has('virtio_blk', FLUSH)]).toEqual([true, false, true]);
    expect(await sh('cat /sys/block/vda/size /sys/block/vda/queue/write_cache')).toBe(`${SIZE / 512}\nwrite back`);
  });

  it('takes a file system; what was synced is in the file when the sync is over, and the file is synced', async () => {
    await sh('mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt && head -c 5000000 /dev/urandom > /mnt/big');
    const before = syncs();
    await sh('echo "kept by a file" > /mnt/small && sync');
    expect(syncs()).toBeGreaterThan(before);
    expect(readFileSync(path('disk.img')).includes('kept by a file\n')).toBe(true);
  });

  it('both can be taken from their drivers and given back', async () => {
    const sum = await sh('md5sum < /mnt/big');
    await sh('umount /mnt');
    await sh(`for driver in virtio_blk virtio_rng; do
      cd /sys/bus/virtio/drivers/$driver; name=$(basename $(readlink -f virtio*)); echo $name > unbind; echo $name > bind
    done; wait-for /dev/vda; mount -t ext4 /dev/vda /mnt`);
    expect(await sh('md5sum < /mnt/big; head -c 10 /dev/hwrng | wc -c')).toBe(`${sum}\n10`);
  });

  it('an error of the host is one of the guest, and the disk goes on', async () => {
    await sh('umount /mnt; echo 3 > /proc/sys/vm/drop_caches');
    const whole = readFileSync(path('disk.img'));
    truncateSync(path('disk.img'), SIZE / 2);
    expect(await sh('dd if=/dev/vda of=/dev/null bs=4096 skip=8192 count=1 iflag=direct 2>&1 | grep error')).toMatch(/error/i);
    writeFileSync(path('disk.img'), whole);
    await sh('fsck.ext4 -fn /dev/vda');
  });

  it('after a reset of the machine everything is still there', async () => {
    const sum = await sh('mount -t ext4 /dev/vda /mnt && md5sum < /mnt/big');
    await sh('sync');
    await guest.reboot('reset');
    expect(await sh('mount -t ext4 /dev/vda /mnt && md5sum < /mnt/big; cat /mnt/small; head -c 10 /dev/hwrng | wc -c')).toBe(`${sum}\nkept by a file\n10`);
  });

  it('SIGTERM ends one and takes its path away, SIGKILL does not; the guest lives on', async () => {
    expect([await entropy.end('SIGTERM'), existsSync(path('entropy.sock'))]).toEqual([[0, null], false]);
    expect([await block.end('SIGKILL'), existsSync(path('block.sock'))]).toEqual([[null, 'SIGKILL'], true]);
    expect(await sh('echo alive')).toBe('alive');
    // Whoever comes after a dead one takes its place.
    block = await ExampleProcess.start('block', [path('block.sock'), path('disk.img')]);
    expect(await block.end('SIGINT')).toEqual([0, null]);
  });
});
