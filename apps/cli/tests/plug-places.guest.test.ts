// Where devices go that are plugged in before the guest runs (-S): no firmware has numbered the buses then, and `query-pci`
// shows nothing behind a bridge. What QEMU takes there is what it says itself.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QmpClient } from '@vpmem/qmp/client';
import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const MIB = 2 ** 20;

describe.skipIf(testbed === undefined)(`places before the guest runs${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let vm: Guest | undefined;
  let qmp: QmpClient;
  let count = 0;
  let globals: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-places-'));
    count = 0;
    globals = [];
  });
  afterEach(async () => {
    qmp.close();
    await vm?.stop();
    vm = undefined;
    rmSync(folder, { recursive: true });
  });

  const start = async (machine: 'pc' | 'q35', ...devices: readonly string[]): Promise<void> => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuWrapper } = testbed;
    const socket = join(folder, 'qmp');
    vm = await startGuest({
      testbed,
      machine,
      ram: [],
      qemuArgs: ['-S', ...globals, ...devices.flatMap((device) => ['-device', device])],
      command: (line) => [process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, '--qmp', `unix:${socket},server=on,wait=off`, '--', ...line.slice(1)],
      until: 'running',
    });
    qmp = await QmpClient.connect({ path: socket });
  };
  /** Plugs a device of ours in. @returns its id */
  const plug = async (given: object = {}): Promise<string> => {
    const id = `v${count++}`;
    await qmp.execute('object-add', { 'qom-type': 'memory-backend-file', id: `m-${id}`, share: true, 'mem-path': join(folder, id), size: 2 * MIB });
    await qmp.executeAny('device_add', { driver: 'virtio-pmem-pci', id, memdev: `m-${id}`, ...given });
    return id;
  };
  const get = (path: string, property: string): Promise<unknown> => qmp.executeAny('qom-get', { path, property });
  /** Bus and slot of a device, as QEMU has them. */
  const where = async (id: string): Promise<string> => {
    const bus = String(await get(`/machine/peripheral/${id}`, 'parent_bus'));
    const devfn = Number(await get(`/machine/peripheral/${id}`, 'addr'));
    return `${bus.split('/').at(-1) ?? ''} ${devfn >> 3}.${devfn & 7}`;
  };
  const port = (id: string, slot: number, more = ''): string => `pcie-root-port,id=${id},chassis=${slot},slot=${slot},pref64-reserve=4G${more}`;

  it('q35: each device has a port of its own, never one that has any other, and no such port is advised', async () => {
    await start(
      'q35',
      ...[port('taken', 1), 'virtio-rng-pci,bus=taken', port('anonymous', 2), 'virtio-rng-pci,bus=anonymous,id=rng', port('closed', 3, ',hotplug=off'), port('rp1', 4)],
      ...[port('switch', 5), 'x3130-upstream,id=up,bus=switch', 'xio3130-downstream,id=ds0,bus=up,chassis=20,slot=0', 'xio3130-downstream,id=ds1,bus=up,chassis=21,slot=1', 'virtio-rng-pci,bus=ds0'],
      port('rp2', 6),
    );
    expect(await where(await plug())).toBe('rp1 0.0');
    await expect(plug({ bus: 'rp2', addr: '1' })).rejects.toThrow(/slot 0 only, not 1; bus=(ds1|rp2) has a place/);
    await expect(plug({ bus: 'rp1' })).rejects.toThrow(/'rp1' has a device already \('v0'\); bus=(ds1|rp2) has/);
    await expect(plug({ bus: 'taken' })).rejects.toThrow(/'taken' has a device already; bus=/);
    await expect(plug({ bus: 'closed' })).rejects.toThrow(/'closed' takes no devices/);
    // QEMU's own devices count as soon as they are there.
    await qmp.executeAny('device_add', { driver: 'virtio-rng-pci', bus: 'rp2' });
    expect(await where(await plug())).toBe('ds1 0.0');
    await expect(plug()).rejects.toThrow(/'taken' has a device already; .*'anonymous' has a device already \('rng'\); .*'ds1' has a device already \('v5'\).*--root-ports/);
    expect(await qmp.executeAny('query-status')).toMatchObject({ status: 'prelaunch' });
  });

  it('q35: bridges below ports and expanders have slots, and a port of an expander is one', async () => {
    await start('q35', port('rp1', 1), 'pcie-pci-bridge,id=ppb,bus=rp1', 'virtio-rng-pci,bus=ppb,addr=1.2', 'pxb-pcie,id=px,bus_nr=100,bus=pcie.0', 'pcie-root-port,id=rp9,bus=px,chassis=9,slot=9');
    const places = [await where(await plug()), await where(await plug()), await where(await plug())];
    expect(places.sort()).toEqual(['ppb 0.0', 'ppb 2.0', 'rp9 0.0']);
  });

  it('pc: the main bus is meant also beside an expander, and a slot with a function other than 0 is left alone', async () => {
    await start('pc', 'pxb,id=px,bus_nr=50,bus=pci.0', 'virtio-rng-pci,bus=pci.0,addr=4.1', 'virtio-rng-pci,id=rng,bus=pci.0,addr=5');
    const first = await where(await plug());
    expect(first).toMatch(/^pci\.0 \d+\.0$/);
    const next = await where(await plug());
    const taken = ['pci.0 4.0', 'pci.0 5.0', first];
    expect(next).toMatch(/^pci\.0 \d+\.0$/);
    expect(taken).not.toContain(next);
    expect(taken.slice(0, 2)).not.toContain(first);
    await expect(plug({ bus: 'pci.0', addr: '4' })).rejects.toThrow(/slot 4 of bus 'pci\.0' is taken/);
    await expect(plug({ bus: 'pci.0', addr: '5' })).rejects.toThrow(/slot 5 of bus 'pci\.0' is taken \('rng'\); bus=vpmem-bridge|bus=pci\.0 has a place/);
    expect(await where(await plug({ bus: 'vpmem-bridge' }))).toBe('vpmem-bridge 0.0');
    expect(await where(await plug({ bus: 'vpmem-bridge' }))).toBe('vpmem-bridge 1.0');
  });

  it('pc: where bridges see to their slots themselves (SHPC), theirs begin at 1', async () => {
    globals = ['-global', 'PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off'];
    await start('pc', 'pci-bridge,id=b1,chassis_nr=7,pref64-reserve=32G');
    expect(await where(await plug({ bus: 'b1' }))).toBe('b1 1.0');
    await expect(plug({ bus: 'b1', addr: '0' })).rejects.toThrow(/'b1' takes devices from slot 1 on/);
    expect(await where(await plug({ bus: 'b1' }))).toBe('b1 2.0');
  });

  it('a size that its address bits cannot hold is refused with them, alone or beside another', async () => {
    await start('pc');
    const big = (id: string, size: number): Promise<unknown> => qmp.execute('object-add', { 'qom-type': 'memory-backend-file', id, share: true, 'mem-path': join(folder, id), size });
    await big('t1', 2 ** 40);
    await expect(qmp.executeAny('device_add', { driver: 'virtio-pmem-pci', id: 't', memdev: 't1' })).rejects.toThrow(/its 1T of memory.*phys-bits too low \(40\).*phys-bits=44/);
    for (const id of ['a', 'b', 'c']) await big(id, 2 ** 38);
    await qmp.executeAny('device_add', { driver: 'virtio-pmem-pci', id: 'd0', memdev: 'a' });
    await qmp.executeAny('device_add', { driver: 'virtio-pmem-pci', id: 'd1', memdev: 'b' });
    await expect(qmp.executeAny('device_add', { driver: 'virtio-pmem-pci', id: 'd2', memdev: 'c' })).rejects.toThrow(/with that of other devices 768G, has no place.*too low \(40\)/);
  });
});
