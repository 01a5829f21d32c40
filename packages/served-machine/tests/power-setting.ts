import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type PmemDisk } from '@vpmem/guest';
import type { MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import type { TrackerChoice } from '@vpmem/simulated-medium/testing';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { infoOf, mediumOptions, onceCut, type MakeSetting, type PowerSetting } from '../../machine/tests/power-setting.ts';
import { Machine } from '../src/machine.ts';

/** A machine with a device at `nv1.sock` in its folder, and no guest. */
export async function machineSetting(
  tracker: TrackerChoice['kind'],
  besides: (folder: string) => string = () => '',
): Promise<Pick<PowerSetting, 'failures' | 'recordings' | 'events' | 'folder' | 'onceCut' | 'info' | 'close'>> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-power-'));
  const failed = (error: Error): never => {
    throw error;
  };
  const machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
  const events: MachineEvent[] = [];
  machine.onEvent((event) => events.push(event));
  await machine.addObject(parseOption(`memory-backend-file,id=mem1,mem-path=${folder}/disk.img,${mediumOptions(tracker)}${besides(folder)}`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
  await machine.addDevice(parseOption('virtio-pmem-pci,id=nv1,memdev=mem1', { grammar: 'qemuopts', impliedKey: 'driver' }));
  const { failures, recordings } = machine;
  return { failures, recordings, events, folder, onceCut: (callback) => onceCut(machine, callback), info: () => infoOf(machine), close: () => machine.close() };
}

/** The guest reaches the device through its socket. */
export const servedSetting: MakeSetting = async (tracker, besides) => {
  const setting = await machineSetting(tracker, besides);
  let guest: Guest | undefined;
  const start = (): PmemDisk => {
    guest = new Guest();
    return guest.plug(RemoteFunction.connect(join(setting.folder, 'nv1.sock')));
  };
  let disk = start();
  const again = (): Promise<void> => {
    guest?.cutPower();
    disk = start();
    return Promise.resolve();
  };
  return {
    ...setting,
    store: (offset, bytes) => {
      disk.write(offset, Buffer.from(bytes));
      return Promise.resolve();
    },
    fsync: () => disk.fsync(),
    load: (offset, length) => Promise.resolve(Buffer.from(disk.read(offset, length))),
    startAgain: again,
    reset: again,
    close: async () => {
      if (guest === undefined) return;
      guest.cutPower();
      guest = undefined;
      await setting.close();
    },
  };
};
