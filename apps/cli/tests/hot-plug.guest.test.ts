// Hot plug the way the manual says, into a guest that runs: `vpmem qemu` with monitors of its own, and nothing left behind.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QmpClient, type QmpEvent } from '@vpmem/qmp/client';
import { requireTestbed, resumeGuest, startGuest, type Guest } from '@vpmem/testbed';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { HmpClient } from './monitor-client.ts';
import { parentOf, resourcesOf, type Resources } from './process-resources.ts';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const MIB = 2 ** 20;

describe.skipIf(testbed === undefined)(`hot plug${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  let output = '';
  let hmp: HmpClient;
  let qmp: QmpClient;
  const clients: { close(): void }[] = [];
  const begin = (): void => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-hot-plug-'));
    output = '';
  };
  beforeEach(() => {
    onTestFailed(() => console.error(guest?.stderr ?? output));
  });
  const end = async (): Promise<void> => {
    for (const client of clients.splice(0)) client.close();
    output = guest?.stderr ?? '';
    await guest?.stop();
    guest = undefined;
    rmSync(folder, { recursive: true });
  };

  /** A guest under `vpmem qemu`, with an HMP and a QMP monitor of ours. Nothing says that RAM is to be shared, but where a pc goes on from a boot before. */
  const start = async (machine: 'pc' | 'q35', options: readonly string[], qemuArgs: readonly string[], come: 'ready' | 'running' | 'resumed' = 'ready'): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuWrapper } = testbed;
    const sockets = ['hmp', 'qmp'].map((name) => `unix:${join(folder, name)},server=on,wait=off`);
    const ours = ['--monitor', sockets[0] ?? '', '--qmp', sockets[1] ?? '', ...options];
    const given = {
      testbed,
      qemuArgs,
      command: (line: string[]): string[] => [process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, ...ours, '--', ...line.slice(1)],
    };
    const started = await (come === 'resumed' ? resumeGuest(given) : startGuest({ ...given, machine, ram: [], until: come }));
    guest = started;
    hmp = await HmpClient.connect(join(folder, 'hmp'));
    qmp = await QmpClient.connect({ path: join(folder, 'qmp') });
    clients.push(hmp, qmp);
    return started;
  };
  const file = (name: string): string => join(folder, name);
  const backend = (id: string, size: string): string => `object_add memory-backend-file,id=${id},share=on,mem-path=${file(`${id}.img`)},size=${size}`;
  const deleted = (id: string): Promise<QmpEvent> => qmp.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === id);
  /** What vpmem and QEMU hold now. */
  const held = (vm: Guest): { vpmem: Resources; qemu: Resources; sockets: string[] } => ({
    vpmem: resourcesOf(parentOf(vm.pid), folder),
    qemu: resourcesOf(vm.pid, folder),
    sockets: readdirSync(socketFolder(vm)).filter((name) => name.endsWith('.sock')).sort(),
  });
  /** Where vpmem has its sockets: QEMU's command line names one of them. */
  const socketFolder = (vm: Guest): string => {
    const commandLine = readFileSync(`/proc/${vm.pid}/cmdline`, 'utf8');
    return dirname(/id=vpmem-monitor,path=([^,\0]+)/.exec(commandLine)?.[1] ?? '');
  };

  // Each boot takes seconds: all of it in one guest.
  describe.each(['pc', 'q35'] as const)('%s', (machine) => {
    let vm: Guest;
    beforeAll(async () => {
      begin();
      vm = await (machine === 'q35' ? start(machine, ['--root-ports', '2,pref64-reserve=1G'], []) : start(machine, [], [], 'resumed'));
    });
    afterAll(end);

    it('a device comes and goes five times over, with MSI-X and without, and nothing stays behind', async () => {
      const rounds = [];
      for (let round = 1; round <= 5; round++) {
        // Turn and turn about at both monitors.
        if (round % 2 === 1) {
          await hmp.type(backend('mem2', '4M'));
          expect(await hmp.type('device_add virtio-pmem-pci,id=nv2,memdev=mem2')).toBe('');
        } else {
          await qmp.execute('object-add', { 'qom-type': 'memory-backend-file', id: 'mem2', share: true, 'mem-path': file('mem2.img'), size: 4 * MIB });
          await qmp.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem2', vectors: 0 });
        }
        await vm.sh('wait-for /dev/pmem0');
        // All of it is read, which under TCG takes a tenth of a second for each MiB.
        expect(await vm.sh(`tr -d '\\0' < /dev/pmem0 | head -c 8`)).toBe(round === 1 ? '' : `round ${round - 1}`);
        expect(await vm.sh('grep -c PCI-MSIX.*flush_queue /proc/interrupts || true')).toBe(round % 2 === 1 ? '1' : '0');
        await vm.sh(`echo 'round ${round}' | dd of=/dev/pmem0 bs=4096 conv=fsync,notrunc 2>/dev/null`);
        expect(held(vm).sockets).toHaveLength(1);
        const gone = deleted('nv2');
        if (round % 2 === 1) expect(await hmp.type('device_del nv2')).toBe('');
        else await qmp.execute('device_del', { id: 'nv2' });
        expect((await gone).data).toEqual({ device: 'nv2', path: '/machine/peripheral/nv2' });
        // Gone is gone: the backend can go at once.
        expect(await hmp.type('object_del mem2')).toBe('');
        await vm.sh('while [ -e /dev/pmem0 ]; do sleep 0.1; done');
        rounds.push(held(vm));
      }
      // What the first round leaves is there to be used again: a sync thread, the receiving thread in QEMU.
      expect(rounds[4]).toEqual(rounds[0]);
      expect(rounds[4]).toMatchObject({ vpmem: { mappings: 0 }, qemu: { mappings: 0 }, sockets: [] });
    });

    it('a guest that ejects a device with MSI-X itself loses that, and not the VM', async () => {
      await hmp.type(backend('mem2', '4M'));
      expect(await hmp.type('device_add virtio-pmem-pci,id=nv2,memdev=mem2')).toBe('');
      await vm.sh('wait-for /dev/pmem0; grep PCI-MSIX.*flush_queue /proc/interrupts');
      const ejected = deleted('nv2');
      await vm.sh(`at=$(cd /sys/bus/pci/devices; for d in *; do grep -q 0x105b $d/device && echo \${d%.*}; done)
        for s in /sys/bus/pci/slots/*; do if [ "$(cat $s/address)" = "$at" ]; then echo 0 > $s/power; fi; done`);
      await ejected;
      expect(await vm.sh('ls /dev/pmem0 2>/dev/null || echo none')).toBe('none');
      expect(await hmp.type('object_del mem2')).toBe('');
      expect(await hmp.type('info status')).toBe('VM status: running');
    });

    // Of one machine, as it takes a boot more.
    if (machine !== 'pc') return;
    it('a reset in the middle of an unplug ends it; a device survives a reset; what is asked while QEMU dies ends with it', async () => {
      await hmp.type(backend('mem2', '4M'));
      await hmp.type(backend('mem3', '64M'));
      await hmp.type('device_add virtio-pmem-pci,id=nv2,memdev=mem2,vectors=0');
      await hmp.type('device_add virtio-pmem-pci,id=nv3,memdev=mem3');
      await vm.sh('wait-for /dev/pmem1');
      const events: string[] = [];
      qmp.onEvent(({ event, data }) => events.push(event === 'DEVICE_DELETED' ? `${event} ${String((data as { device?: string }).device)}` : event));
      const boot = vm.boots + 1;
      for (const command of ['stop', 'device_del', 'system_reset', 'cont'] as const) {
        await qmp.executeAny(command, command === 'device_del' ? { id: 'nv2' } : {});
      }
      await vm.waitReady(boot);
      expect(events).toEqual(expect.arrayContaining(['STOP', 'RESET', 'DEVICE_DELETED nv2', 'RESUME']));
      expect(events.filter((name) => name === 'DEVICE_DELETED nv2')).toHaveLength(1);
      await vm.sh('wait-for /dev/pmem0');
      expect((await qmp.execute('query-pmem')).map(({ id, driver }) => [id, driver])).toEqual([['nv3', 'ready']]);

      const own = socketFolder(vm);
      const shutdown = qmp.waitForEvent('SHUTDOWN');
      await vm.sh('sync');
      process.kill(vm.pid, 'SIGSTOP');
      const asked = qmp.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem2' }).then(
        () => 'plugged',
        (error: unknown) => (error as Error).message,
      );
      process.kill(vm.pid, 'SIGKILL');
      expect((await shutdown).data).toEqual({ guest: false, reason: 'host-error' });
      expect(await asked).toMatch(/QEMU is gone|closed the connection/);
      expect(await vm.waitForExit()).toEqual({ code: null, signal: 'SIGKILL' });
      expect(existsSync(own)).toBe(false);
    });
  });

  describe('a guest for each', () => {
    beforeEach(begin);
    afterEach(end);

    it("pc: the manual's two commands at the monitor, a second /dev/pmem, a file system on it with DAX, and everything refused leaves the VM as it was", async () => {
      const vm = await start('pc', ['--unplug', 'off'], ['-object', `memory-backend-file,id=mem1,share=on,mem-path=${file('mem1.img')},size=64M`, '-device', 'virtio-pmem-pci,id=nv1,memdev=mem1']);
      await vm.sh('wait-for /dev/pmem0');
      expect(await hmp.type(backend('mem2', '4G'))).toBe('');
      expect(await hmp.type('device_add virtio-pmem-pci,id=virtio_pmem2,memdev=mem2')).toBe('');
      await vm.sh('wait-for /dev/pmem1');
      expect(await vm.sh('cat /sys/block/pmem1/size')).toBe(String((4096 * MIB) / 512));
      await vm.sh('mkfs.ext4 -q -b 4096 /dev/pmem1 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem1 /mnt');
      await vm.sh("yes 'hot plugged' | head -c 1000000 > /mnt/file && sync /mnt/file");
      expect(statSync(file('mem2.img')).blocks).toBeGreaterThan(0);
      const [info] = (await qmp.execute('query-pmem')).filter(({ id }) => id === 'virtio_pmem2');
      expect(info).toMatchObject({ connected: true, driver: 'ready', memdev: 'mem2' });
      expect(info?.flushes.asked).toBeGreaterThan(0);
      expect(await hmp.type('info memory-devices')).toMatch(/"virtio_pmem2"\n {2}memaddr: 0x[1-9a-f][0-9a-f]+\n {2}size: 4294967296\n {2}memdev: \/objects\/mem2/);

      // With MSI-X that QEMU knows of it stays, and so does the VM.
      expect(await hmp.type('device_del virtio_pmem2')).toMatch(/MSI-X.*vectors=0/);
      expect(await vm.sh('cmp /dev/zero /mnt/file | head -c 0; head -c 11 /mnt/file')).toBe('hot plugged');

      // Ten reasons to refuse a device.
      await hmp.type(backend('mem3', '4M'));
      const before = held(vm);
      for (const [option, message] of [
        ['virtio-pmem-pci,id=d,memdev=none', /no memory backend 'none'/],
        ['virtio-pmem-pci,id=d,memdev=mem2', /'mem2' belongs to device 'virtio_pmem2'|mem2/],
        ['virtio-pmem-pci,id=nv1,memdev=mem3', /'nv1' already/],
        ['virtio-pmem-pci,id=vpmem-bridge,memdev=mem3', /'vpmem-bridge' already/],
        ['virtio-pmem-pci,id=d,memdev=mem3,colour=red', /colour/],
        ['virtio-pmem-pci,id=d,memdev=mem3,bus=nowhere', /Bus 'nowhere' not found/],
        ['virtio-pmem-pci,id=d,memdev=mem3,bus=isa.0', /ISA bus/],
        ['virtio-pmem-pci,id=d,memdev=mem3,addr=1', /slot 1 of bus 'pci.0' is taken/],
        ['virtio-pmem-pci,id=d,memdev=mem3,addr=9.3', /function 0 only/],
        ['virtio-pmem-pci,id=d,memdev=mem3,addr=20', /slot from 0 to 1f/],
        ['virtio-pmem-pci,id=d,memdev=mem3,bus=vpmem-bridge,addr=0', /lot 0/],
        ['virtio-pmem-pci,id=d,memdev=mem3,socket=/no/such/folder/d.sock', /\/no\/such\/folder/],
        ['virtio-pmem-pci,id=d,memdev=mem3,vectors=0,acpi-index=99999', /acpi-index|16383/],
      ] as const) {
        expect(await hmp.type(`device_add ${option}`), option).toMatch(message);
        // A second sync thread, which a flush of the guest in that moment takes, stays for two seconds.
        await expect.poll(() => held(vm), { message: option }).toEqual(before);
      }
      // Which leaves the backend free.
      expect(await hmp.type('object_del mem3')).toBe('');
      expect(await hmp.type('info status')).toBe('VM status: running');
      expect(await vm.sh('umount /mnt && echo alive')).toBe('alive');
    });

    it('q35: a free root port is chosen, and where there is none it says so and how to have one', async () => {
      const vm = await start('q35', ['--root-ports', '2,pref64-reserve=8G', '--unplug', 'off'], []);
      await hmp.type(backend('big', '16G'));
      expect(await hmp.type('device_add virtio-pmem-pci,id=big,memdev=big')).toMatch(/root port.*vpmem-port0.*no 16G.*--root-ports N,pref64-reserve=16G/);
      await hmp.type(backend('mem2', '4G'));
      expect(await hmp.type('device_add virtio-pmem-pci,id=nv2,memdev=mem2,bus=pcie.0')).toMatch(/pcie\.0' takes no devices while the VM runs; bus=vpmem-port0/);
      expect(await hmp.type('device_add virtio-pmem-pci,id=nv2,memdev=mem2')).toBe('');
      await vm.sh('wait-for /dev/pmem0');
      expect(await vm.sh('cat /sys/block/pmem0/size')).toBe(String((4096 * MIB) / 512));
      await vm.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -t ext4 -o dax=always /dev/pmem0 /mnt && echo data > /mnt/file && sync /mnt/file');
      await hmp.type(backend('mem3', '64M'));
      expect(await hmp.type('device_add virtio-pmem-pci,id=nv3,memdev=mem3,bus=vpmem-port0')).toMatch(/'vpmem-port0' has a device already \('nv2'\); bus=vpmem-port1/);
      expect(await hmp.type('device_add virtio-pmem-pci,id=nv3,memdev=mem3,vectors=0')).toBe('');
      await vm.sh('wait-for /dev/pmem1');
      await hmp.type(backend('mem4', '64M'));
      expect(await hmp.type('device_add virtio-pmem-pci,id=nv4,memdev=mem4')).toMatch(/'vpmem-port1' has a device already.*--root-ports/);
      // The bridge of a device with MSI-X cannot go either.
      expect(await hmp.type('device_del nv2')).toMatch(/MSI-X/);
      expect(await vm.sh('cat /mnt/file && umount /mnt')).toBe('data');
    });

    it('q35: windows in the stretch that an AMD processor keeps are called that, and the reserve that is advised works', async () => {
      const ports = (reserve: string): string[] => [1, 2].flatMap((n) => ['-device', `pcie-root-port,id=rp${n},chassis=${n},slot=${n},pref64-reserve=${reserve}`]);
      // The firmware places the windows: no more than that has to have booted.
      await start('q35', [], ports('1G'), 'running');
      await hmp.type(backend('mem2', '64M'));
      let refusal = '';
      await expect.poll(async () => (refusal = await hmp.type('device_add virtio-pmem-pci,id=nv2,memdev=mem2'))).toMatch(/'rp1' \(1G\) lies in the last 12G below 1T, of which Linux uses nothing on an AMD processor.*'rp2' \(1G\)/);
      const [, advised = ''] = /start the VM with pref64-reserve=(\w+) for each of its root ports \(2\)/.exec(refusal) ?? [];
      await guest?.stop();
      const vm = await start('q35', [], ports(advised));
      for (const [i, id] of ['nv2', 'nv3'].entries()) {
        await hmp.type(backend(`m-${id}`, '64M'));
        expect(await hmp.type(`device_add virtio-pmem-pci,id=${id},memdev=m-${id}`)).toBe('');
        await vm.sh(`wait-for /dev/pmem${i}`);
      }
    });
  });
});
