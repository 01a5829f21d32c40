// What device_del says and does when the guest does not answer, in QEMU (with a device it lets go) and here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { requireTestbed, startQtest, type Qtest } from '@vpmem/testbed';
import { afterEach, describe, expect, it } from 'vitest';
import { EmbeddedMachine } from '../src/embedded-machine.ts';

const { testbed, reason } = await requireTestbed();

describe.skipIf(testbed === undefined)(`device_del, beside QEMU${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let qemu: Qtest | undefined;
  let ours: EmbeddedMachine | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-unplug-'));
  afterEach(async () => {
    await qemu?.stop();
    await ours?.close();
    rmSync(folder, { recursive: true });
  });

  it('is pending, not to be asked for twice, and carried out by a reset, with two events before RESET', async () => {
    qemu = await startQtest({ testbed: testbed!, ram: [], qemuArgs: ['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-pci,id=d0,rng=rng0'] });
    await qemu.qmp('device_del', { id: 'd0' });
    await expect(qemu.qmp('device_del', { id: 'd0' })).rejects.toThrow('Device d0 is already in the process of unplug');
    await expect(qemu.qmp('device_del', { id: 'nope' })).rejects.toThrow("Device 'nope' not found");
    await qemu.qmp('system_reset');
    const theirs = [await qemu.waitForEvent('DEVICE_DELETED'), await qemu.waitForEvent('DEVICE_DELETED'), await qemu.waitForEvent('RESET')];

    const events: MachineEvent[] = [];
    ours = EmbeddedMachine.create({ memory: '256M,maxmem=1G', warn: () => undefined });
    ours.onEvent((event) => events.push(event));
    await ours.addObject(parseOption(`memory-backend-file,id=m0,share=on,mem-path=${folder}/m0.img,size=2M`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
    await ours.addDevice(parseOption('virtio-pmem-pci,id=d0,memdev=m0', { grammar: 'qemuopts', impliedKey: 'driver' }));
    await ours.start();
    await ours.stop();
    events.length = 0;
    await ours.deleteDevice('d0');
    await expect(ours.deleteDevice('d0')).rejects.toThrow('Device d0 is already in the process of unplug');
    await expect(ours.deleteDevice('nope')).rejects.toThrow("Device 'nope' not found");
    await ours.reset();
    expect(events).toEqual(theirs.map(({ event, data }) => ({ name: event, data })));
    await ours.deleteObject('m0');
  });
});
