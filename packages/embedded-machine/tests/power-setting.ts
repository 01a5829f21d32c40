import { infoOf, mediumOptions, onceCut, type MakeSetting } from '../../machine/tests/power-setting.ts';
import { MachineBench } from './machine-bench.ts';

/** The guest is part of the machine. */
export const embeddedSetting: MakeSetting = async (tracker, besides = () => '') => {
  const bench = new MachineBench();
  const { machine, folder } = bench;
  await bench.object(`memory-backend-file,id=mem1,mem-path=${folder}/disk.img,${mediumOptions(tracker)}${besides(folder)}`);
  await bench.device('virtio-pmem-pci,id=nv1,memdev=mem1');
  await machine.start();
  return {
    failures: machine.failures,
    recordings: machine.recordings,
    events: bench.events,
    folder,
    onceCut: (callback) => onceCut(machine, callback),
    store: (offset, bytes) => machine.guest.write('nv1', offset, Buffer.from(bytes)),
    fsync: () => machine.guest.fsync('nv1'),
    load: async (offset, length) => Buffer.from(await machine.guest.read('nv1', offset, length)),
    startAgain: () => machine.cont(),
    reset: () => machine.reset(),
    info: () => infoOf(machine),
    close: () => machine.close(),
  };
};
