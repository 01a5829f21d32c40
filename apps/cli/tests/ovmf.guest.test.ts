// A q35 that UEFI boots (Debian's OVMF), as most VMs of today: it lays out address space otherwise than SeaBIOS.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QmpClient } from '@vpmem/qmp/client';
import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const MIB = 2 ** 20;

describe.skipIf(testbed === undefined)(`a guest booted by OVMF${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  let qmp: QmpClient | undefined;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vpmem-ovmf-'))));
  afterEach(async () => {
    qmp?.close();
    await guest?.stop();
    guest = undefined;
    rmSync(folder, { recursive: true });
  });

  it('has a device from the start and more that are plugged in behind root ports, all with DAX and flushes, and gives them up', async () => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuWrapper } = testbed;
    const file = (name: string): string => join(folder, name);
    const socket = file('qmp');
    const vm = (guest = await startGuest({
      testbed,
      machine: 'q35',
      firmware: 'ovmf',
      ram: [],
      qemuArgs: ['-object', `memory-backend-file,id=m-cold,share=on,mem-path=${file('cold')},size=64M`, '-device', 'virtio-pmem-pci,id=cold,memdev=m-cold'],
      command: (line) => [process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, '--qmp', `unix:${socket},server=on,wait=off`, '--root-ports', '2,pref64-reserve=8G', '--', ...line.slice(1)],
      timeout: 400_000,
    }));
    const client = (qmp = await QmpClient.connect({ path: socket }));
    expect(await vm.sh('ls -d /sys/firmware/efi')).toBe('/sys/firmware/efi');
    const plug = async (id: string, size: number, more: object): Promise<void> => {
      await client.execute('object-add', { 'qom-type': 'memory-backend-file', id: `m-${id}`, share: true, 'mem-path': file(id), size });
      await client.executeAny('device_add', { driver: 'virtio-pmem-pci', id, memdev: `m-${id}`, ...more });
    };
    // One that fills its window to the last byte.
    await plug('hot', 8 * 1024 * MIB, {});
    await plug('intx', 16 * MIB, { vectors: 0 });
    await expect(plug('third', 2 * MIB, {})).rejects.toThrow(/'vpmem-port0' has a device already.*'vpmem-port1' has a device already/);
    await vm.sh('wait-for /dev/pmem2');
    for (const [i, id] of ['cold', 'hot'].entries()) {
      const text = `written by ${id}`;
      await vm.sh(`mkfs.ext4 -q -b 4096 /dev/pmem${i} && mkdir -p /mnt${i} && mount -t ext4 -o dax=always /dev/pmem${i} /mnt${i}`);
      await vm.sh(`echo '${text}' > /mnt${i}/file && sync /mnt${i}/file`);
      expect((await client.execute('query-pmem')).find((each) => each.id === id)).toMatchObject({ connected: true, driver: 'ready', flushes: { failed: 0 } });
      expect((await client.execute('query-pmem')).find((each) => each.id === id)?.flushes.synced).toBeGreaterThan(0);
    }
    expect(readFileSync(file('cold')).includes('written by cold')).toBe(true);
    await vm.sh("echo 'by intx' | dd of=/dev/pmem2 bs=4096 conv=fsync,notrunc 2>/dev/null");
    await vm.sh('umount /mnt1');
    for (const id of ['intx', 'hot']) {
      const gone = client.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === id);
      await client.execute('device_del', { id });
      await gone;
      await client.execute('object-del', { id: `m-${id}` });
    }
    expect(readFileSync(file('intx')).includes('by intx')).toBe(true);
    expect(await vm.sh('cat /mnt0/file; ls /dev/pmem*')).toBe('written by cold\n/dev/pmem0');
  });
});
