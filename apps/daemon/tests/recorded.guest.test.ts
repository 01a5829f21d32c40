// vpmemd -record, with a QEMU that somebody else has started: how it finds what the guest has written, and that the guest does not mind.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient } from '@vpmem/qmp/client';
import { requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Served } from './served.ts';

const { testbed, reason } = await requireTestbed();

describe.skipIf(testbed === undefined)(`vpmemd -record${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let served: Served;
  let guest: Guest | undefined;
  let qmp: QmpClient | undefined;
  beforeEach(() => {
    served = new Served();
  });
  afterEach(async () => {
    qmp?.close();
    await guest?.stop();
    guest = undefined;
    await served.close();
  });

  it.each([
    ['its page tables tell', [], /^uffd undefined$/],
    ['it cannot be asked, having a filter of its system calls', ['-sandbox', 'on'], /^compare process \d+ has a seccomp filter, which may end it for userfaultfd$/],
  ])('records what a guest makes durable, although QEMU is not its child: %s', async (_, options, tracker) => {
    if (testbed === undefined) throw new Error(reason);
    await served.start(['64M'], { args: ['-record', join(served.folder, 'runs'), '-qmp', `unix:${join(served.folder, 'qmp')},server=on,wait=off`] });
    guest = await resumeGuest({ testbed, machine: 'pc,smp.cpus=2', plug: served.daemon.devices, qemuArgs: options });
    onTestFailed(() => console.error(served.daemon.stderr, guest?.console.slice(-3000)));
    qmp = await QmpClient.connect({ path: join(served.folder, 'qmp') });
    await guest.sh('wait-for /dev/pmem0 && mkfs.ext4 -q -b 4096 /dev/pmem0 && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    await guest.sh('for i in 1 2 3 4 5 6; do for cpu in 1 2; do echo $i.$cpu > /mnt/f$i.$cpu && taskset $cpu sync /mnt/f$i.$cpu || exit 1; done; done');
    const [info] = await qmp.execute('query-pmem');
    const power = info?.['power-failure'];
    expect(`${power?.tracker} ${power?.['tracker-reason']}`).toMatch(tracker);
    expect(info?.recording).toMatchObject({ file: join(served.folder, 'runs/nv0.vpmrec'), flushes: info?.flushes.synced });
    // The client that comes again is the same process, whose memory is another mapping.
    await guest.reboot('reset');
    await guest.sh('wait-for /dev/pmem0 && mount -t ext4 -o dax=always /dev/pmem0 /mnt && cat /mnt/f6.2 && echo again > /mnt/again && sync /mnt/again && umount /mnt && e2fsck -fn /dev/pmem0');
    const [after] = await qmp.execute('query-pmem');
    expect(`${after?.['power-failure']?.tracker} ${after?.['power-failure']?.['tracker-reason']}`).toMatch(tracker);
    expect(after?.recording?.incomplete).toBeUndefined();
    expect(statSync(join(served.folder, 'runs/nv0.vpmrec')).size).toBeGreaterThan(10_000);
    expect(guest.stderr).toBe('');
  });
});
