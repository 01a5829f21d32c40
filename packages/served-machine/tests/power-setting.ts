import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type PmemDisk } from '@vpmem/guest';
import type { MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { infoOf, mediumOptions, onceCut, type MakeSetting } from '../../machine/tests/power-setting.ts';
import { Machine } from '../src/machine.ts';

/** The guest reaches the device through its socket. */
export const servedSetting: MakeSetting = async (tracker, besides = () => '') => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-power-'));
  const failed = (error: Error): never => {
    throw error;
  };
  const machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
  const events: MachineEvent[] = [];
  machine.onEvent((event) => events.push(event));
  await machine.addObject(parseOption(`memory-backend-file,id=mem1,mem-path=${folder}/disk.img,${mediumOptions(tracker)}${besides(folder)}`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
  await machine.addDevice(parseOption('virtio-pmem-pci,id=nv1,memdev=mem1', { grammar: 'qemuopts', impliedKey: 'driver' }));
  let guest: Guest | undefined;
  const start = (): PmemDisk => {
    guest = new Guest();
    return guest.plug(RemoteFunction.connect(join(folder, 'nv1.sock')));
  };
  let disk = start();
  const again = (): Promise<void> => {
    guest?.cutPower();
    disk = start();
    return Promise.resolve();
  };
  return {
    failures: machine.failures,
    recordings: machine.recordings,
    events,
    folder,
    onceCut: (callback) => onceCut(machine, callback),
    store: (offset, bytes) => {
      disk.write(offset, Buffer.from(bytes));
      return Promise.resolve();
    },
    fsync: () => disk.fsync(),
    load: (offset, length) => Promise.resolve(Buffer.from(disk.read(offset, length))),
    startAgain: again,
    reset: again,
    info: () => infoOf(machine),
    close: async () => {
      if (guest === undefined) return;
      guest.cutPower();
      guest = undefined;
      await machine.close();
    },
  };
};
