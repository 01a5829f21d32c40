// A domain of a real libvirtd, unchanged but for its emulator: everything by virsh.
import { mkdtempSync, openSync, closeSync, readSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeGuestImage, preparePackages, requireTestbed, SerialGuest, TestbedError, type PackageTree } from '@vpmem/testbed';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { domainXml, pmemXml, type DomainOptions } from './libvirt-domain.ts';
import { LIBVIRT_PACKAGES, LibvirtHost, noLibvirtHost, type Said } from './libvirt-host.ts';

const { testbed, reason } = await requireTestbed();
const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const EMULATOR = join(ROOT, 'vpmem-qemu-system-x86_64');
const DOMAIN = 'vm1';

let packages: PackageTree | undefined;
let missing = reason ?? noLibvirtHost();
if (missing === undefined) {
  try {
    packages = await preparePackages('libvirt-1', LIBVIRT_PACKAGES);
  } catch (error) {
    if (!(error instanceof TestbedError) || process.env.CI === 'true') throw error;
    missing = error.message;
  }
}

describe.skipIf(missing !== undefined)(`libvirt${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string;
  let host: LibvirtHost;
  let log = '';
  let guest: SerialGuest | undefined;
  let image: DomainOptions['image'];
  // What the emulator can do it finds out by starting it a few times: one for all.
  beforeAll(async () => {
    if (testbed === undefined || packages === undefined) throw new Error(missing);
    folder = mkdtempSync(join(tmpdir(), 'vpmem-libvirt-'));
    image = await makeGuestImage(testbed);
    host = await LibvirtHost.start({ packages, folder, shared: [ROOT, testbed.dir], conf: `qemu = ${testbed.qemuWrapper}` });
  });
  beforeEach(() => {
    onTestFailed(() => console.error(log));
  });
  afterEach(async () => {
    guest?.close();
    guest = undefined;
    log = await host.log(DOMAIN);
    await host.virsh('destroy', DOMAIN);
    await virsh('undefine', DOMAIN);
    for (const name of readdirSync(folder)) if (/\.(img|xml)$/.test(name)) rmSync(host.path(name));
  });
  afterAll(async () => {
    await host.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const virsh = async (...words: readonly string[]): Promise<string> => {
    const { status, text } = await host.virsh(...words);
    if (status !== 0) throw new Error(`virsh ${words.join(' ')}: ${text}`);
    return text.trim();
  };
  const refused = async (...words: readonly string[]): Promise<Said> => {
    const said = await host.virsh(...words);
    expect(said.status, said.text).toBe(1);
    return said;
  };
  const define = async (machine: 'pc' | 'q35', emulator = EMULATOR): Promise<void> => {
    const xml = domainXml({ name: DOMAIN, machine, emulator, image, agent: host.path('agent'), pmem: [[host.path('vm1.img'), 64]] });
    writeFileSync(host.path('vm1.xml'), xml);
    await virsh('define', host.path('vm1.xml'));
  };
  const start = async (): Promise<SerialGuest> => {
    await virsh('start', DOMAIN);
    guest = await SerialGuest.connect(host.path('agent'), image.token);
    return guest;
  };
  const ask = async (command: string): Promise<unknown> => (JSON.parse(await virsh('qemu-monitor-command', DOMAIN, JSON.stringify({ execute: command }))) as { return: unknown }).return;
  const holds = (name: string, text: string): boolean => {
    const bytes = Buffer.alloc(64 * 2 ** 20);
    const fd = openSync(host.path(name), 'r');
    readSync(fd, bytes, 0, bytes.length, 0);
    closeSync(fd);
    return bytes.includes(text);
  };
  const store = async (vm: SerialGuest, disk: string, text: string): Promise<void> => {
    await vm.sh(`wait-for /dev/${disk}; mkfs.ext4 -q -b 4096 /dev/${disk} && mkdir -p /mnt/${disk} && mount -t ext4 -o dax=always /dev/${disk} /mnt/${disk}`);
    await vm.sh(`grep -q '/mnt/${disk} .*dax=always' /proc/mounts && yes '${text}' | head -c 100000 > /mnt/${disk}/file && sync /mnt/${disk}/file`);
  };

  it('has a domain of a pc: probed, started, mounted with DAX, plugged into, reset, kept from being saved, found again, destroyed; nothing is left', async () => {
    await define('pc');
    // What libvirt has found out of QEMU by starting the emulator.
    expect(await virsh('domcapabilities', '--emulatorbin', EMULATOR, '--virttype', 'qemu')).toContain(`<path>${EMULATOR}</path>`);
    const vm = await start();
    await vm.waitReady(1);
    await store(vm, 'pmem0', 'from the start');
    expect(holds('vm1.img', 'from the start\nfrom the start')).toBe(true);

    // libvirt plugs in only what is there; it is vpmem that gives it its size.
    writeFileSync(host.path('hot.img'), '');
    writeFileSync(host.path('hot.xml'), pmemXml(host.path('hot.img'), 64));
    await virsh('attach-device', DOMAIN, host.path('hot.xml'), '--live');
    await store(vm, 'pmem1', 'plugged in');
    expect(holds('hot.img', 'plugged in\nplugged in')).toBe(true);
    expect(await ask('query-pmem')).toMatchObject([{ id: 'virtiopmem0' }, { id: 'virtiopmem1', 'backing-file': host.path('hot.img') }]);
    expect(await virsh('dumpxml', DOMAIN)).toMatch(/<alias name='virtiopmem1'\/>/);
    await vm.sh('umount /mnt/pmem1');
    await virsh('detach-device-alias', DOMAIN, 'virtiopmem1', '--live');
    await expect.poll(() => virsh('dumpxml', DOMAIN)).not.toMatch(/virtiopmem1/);
    expect(await ask('query-pmem')).toHaveLength(1);
    await virsh('attach-device', DOMAIN, host.path('hot.xml'), '--live');

    for (const how of ['save', 'managedsave']) {
      const file = how === 'save' ? [host.path('saved')] : [];
      expect((await refused(how, DOMAIN, ...file)).text).toMatch(/non-migratable device 'virtiopmem0'/);
      expect(await virsh('domstate', DOMAIN)).toBe('running');
    }
    await refused('snapshot-create', DOMAIN);
    await virsh('suspend', DOMAIN);
    expect(await virsh('domstate', DOMAIN)).toBe('paused');
    await virsh('resume', DOMAIN);
    await virsh('reset', DOMAIN);
    await vm.waitReady(2);
    expect(await vm.sh('wait-for /dev/pmem1; mkdir -p /mnt/pmem0 && mount -o dax=always /dev/pmem0 /mnt/pmem0 && head -n 1 /mnt/pmem0/file')).toBe('from the start');

    // libvirt goes and comes; the virtual machine stays.
    await host.stopDaemon();
    expect(await vm.sh('echo here')).toBe('here');
    await host.startDaemon();
    expect(await virsh('domstate', DOMAIN)).toBe('running');
    expect(await ask('query-pmem')).toHaveLength(2);

    await virsh('destroy', DOMAIN);
    await expect.poll(() => host.processes()).toEqual([]);
    expect(await virsh('domstate', DOMAIN)).toBe('shut off');
    // The folder for the sockets of all programs stays; there is nothing in it.
    expect((await host.run('sh', '-c', 'ls /tmp /tmp/vpmem-0 /run/libvirt/qemu')).text).not.toMatch(/vpmem-qemu|vm1/);
  });

  it('has a domain of a q35 that it starts by itself, plugs into, and that the guest switches off', async () => {
    await define('q35');
    await virsh('autostart', DOMAIN);
    await host.stopDaemon();
    // Autostart is for the time after a boot, of which this file speaks.
    await host.run('rm', '-rf', '/run/libvirt/qemu/autostarted');
    await host.startDaemon();
    await expect.poll(() => host.virsh('domstate', DOMAIN).then(({ text }) => text.trim())).toBe('running');
    guest = await SerialGuest.connect(host.path('agent'), image.token);
    await guest.waitReady(1);
    await store(guest, 'pmem0', 'by itself');
    writeFileSync(host.path('hot2.img'), '');
    writeFileSync(host.path('hot2.xml'), pmemXml(host.path('hot2.img'), 64));
    await virsh('attach-device', DOMAIN, host.path('hot2.xml'), '--live');
    await store(guest, 'pmem1', 'behind a port');
    expect(holds('hot2.img', 'behind a port\nbehind a port')).toBe(true);
    await guest.sh('umount /mnt/pmem1');
    await virsh('detach-device-alias', DOMAIN, 'virtiopmem1', '--live');
    await expect.poll(() => virsh('dumpxml', DOMAIN)).not.toMatch(/virtiopmem1/);
    guest.sh('poweroff -f').catch(() => undefined);
    await expect.poll(() => host.virsh('domstate', DOMAIN).then(({ text }) => text.trim())).toBe('shut off');
    await expect.poll(() => host.processes()).toEqual([]);
    expect(holds('vm1.img', 'by itself\nby itself')).toBe(true);
    expect(readdirSync(folder)).not.toContain('saved');
  });
});
