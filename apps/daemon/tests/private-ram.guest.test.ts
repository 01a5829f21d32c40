// RAM that a VM keeps to itself, plugged in while Linux runs: the driver puts its requests there, and no fsync hangs for it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { deviceOptions } from './daemon-guests.ts';

const { testbed, reason } = await requireTestbed();
const FSYNCS = 'for i in 1 2 3 4 5 6 7 8; do echo $i | dd of=/mnt/f$i bs=4096 conv=fsync 2>/dev/null || exit 1; done';
// Short links on a tmpfs are kmalloc'ed: these use up what is left of the sizes that a request and its indirect table have.
const USE_UP = [20, 80].map((length, i) => `mkdir /t${i} && mount -t tmpfs t /t${i} && ln -s $(seq 1000 5000 | sed s/^/${'a'.repeat(length)}/) /t${i}`).join(' && ');
const TOLD = /warning: nv1: the VM told of RAM at 0x100000000-0x11fffffff but gave no memory for it: it is private; give its backend share=on \(the (indirect table|request|response) at 0x1[01][0-9a-f]{7} is in it\)/g;

describe.skipIf(testbed === undefined)(`RAM that is not shared${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let daemon: DaemonProcess | undefined;
  let guest: Guest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-private-ram-'));
  });
  afterEach(async () => {
    await guest?.stop();
    await daemon?.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const boot = async (options: { device?: string; qemuArgs?: string[] } = {}): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuArgs = [], ...details } = options;
    daemon = await DaemonProcess.start(deviceOptions(folder, 1, { size: '64M', ...details }), { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
    guest = await resumeGuest({ testbed, memory: '256M,slots=2,maxmem=4G', append: 'memhp_default_state=online_kernel', plug: daemon.devices, qemuArgs });
    await guest.sh('wait-for /dev/pmem0 && mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    return guest;
  };

  it.each([
    ['requests in indirect tables', ''],
    ['requests in descriptors', ',indirect_desc=off'],
    ['requests in indirect tables of a packed queue', ',packed=on'],
  ])('plugged in while it runs: every fsync succeeds, and one warning names the RAM and says what to do: %s', async (_, device) => {
    const running = await boot({ device });
    await running.sh(FSYNCS);
    expect(daemon?.stderr).not.toMatch(TOLD);
    await running.qmp('object-add', { 'qom-type': 'memory-backend-ram', id: 'd1', size: 2 ** 29 });
    await running.qmp('device_add', { driver: 'pc-dimm', id: 'dimm1', memdev: 'd1' });
    await running.sh('until grep -q "MemTotal: *[6-9]" /proc/meminfo; do :; done');
    await running.sh(USE_UP);
    await running.sh(FSYNCS);
    await running.sh('umount /mnt && e2fsck -f -n /dev/pmem0');
    expect([...(daemon?.stderr ?? '').matchAll(TOLD)], daemon?.stderr).toHaveLength(1);
    expect(daemon?.stderr).not.toMatch(/guest broke|has to reset/);
  });
});
