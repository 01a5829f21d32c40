// What an unmodified Linux takes of the optional features, and that it works with them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QmpClient } from '@vpmem/qmp/client';
import { requireTestbed, resumeGuest, startGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Served } from './served.ts';

const { testbed, reason } = await requireTestbed();
/** VIRTIO 1.4 §6. */
const BITS = { event_idx: 29, iommu_platform: 33, packed: 34, in_order: 35, notification_data: 38, notif_config_data: 39, queue_reset: 40, suspend: 43 };

describe.skipIf(testbed === undefined)(`optional features${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let served: Served;
  let guest: Guest | undefined;
  beforeEach(() => {
    served = new Served();
    guest = undefined;
    onTestFailed(() => console.error(served.daemon.stderr, guest?.console.slice(-3000)));
  });
  afterEach(async () => {
    await guest?.stop();
    await served.close();
  });

  // 6.12 knows one fewer, and is in the long form: without any of them it is what all other tests boot.
  it.each([
    { kernel: '6.12' as const, taken: ['event_idx', 'iommu_platform', 'packed', 'notification_data', 'queue_reset'] },
    { kernel: '7.2' as const, taken: ['event_idx', 'iommu_platform', 'packed', 'in_order', 'notification_data', 'queue_reset'] },
  ].filter(({ kernel }) => kernel !== '6.12' || process.env.VPMEM_ALL === '1'))('$kernel takes those it knows, and stores and flushes with them', async ({ kernel, taken }) => {
    if (testbed === undefined) throw new Error(reason);
    await served.start(['64M'], { device: Object.keys(BITS).map((name) => `,${name}=on`).join('') });
    guest = await startGuest({ testbed, kernel, machine: 'q35', tools: [], qemuArgs: served.qemuArgs });
    await guest.sh('wait-for /dev/pmem0');
    const features = await guest.sh('cat /sys/bus/virtio/drivers/virtio_pmem/virtio*/features');
    expect(Object.entries(BITS).filter(([, bit]) => features[bit] === '1').map(([name]) => name)).toEqual(taken);
    await guest.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    // More flushes than the ring has slots, several at a time.
    await guest.sh('for n in 1 2 3 4; do (for i in $(seq 40); do echo "$n packed $i" >> /mnt/$n; sync /mnt/$n; done) & done; wait');
    expect(readFileSync(served.file(0)).includes('4 packed 40\n')).toBe(true);
    expect(served.daemon.stderr).not.toMatch(/warning|error/);
  });

  it('with ops= Linux is slowed down, and none of its notifications is for nothing', async () => {
    if (testbed === undefined) throw new Error(reason);
    const path = join(served.folder, 'qmp');
    await served.start(['64M'], { device: ',ops=10,burst=2', args: ['-qmp', `unix:${path},server=on,wait=off`] });
    guest = await resumeGuest({ testbed, plug: served.daemon.devices });
    await guest.sh('wait-for /dev/pmem0');
    await guest.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt');
    await guest.sh('for n in 1 2 3 4; do (for i in $(seq 8); do echo "$n limited $i" >> /mnt/$n; sync /mnt/$n; done) & done; wait');
    const monitor = await QmpClient.connect({ path });
    const [{ faults, flushes } = {}] = await monitor.execute('query-pmem');
    monitor.close();
    expect(flushes?.failed).toBe(0);
    expect(faults?.limit).toMatchObject({ ops: 10, burst: 2, 'notifications-held-back': 0 });
    expect(faults?.limit?.['held-back']).toBeGreaterThan(0);
  });
});
