import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type PmemDisk } from '@vpmem/guest';
import { parseOption } from '@vpmem/options';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import type { FailureControl } from '../src/failure-control.ts';
import type { MachineEvent } from '../src/machine-event.ts';
import { Machine } from '../src/served/machine.ts';
import type { ManagedMachine } from '../src/managed-machine.ts';
import type { PmemInfo } from '../src/memory-info.ts';
import { MachineBench } from './machine-bench.ts';

/** For tests of this package: a device with a simulated medium, and a guest that uses it. */
export interface PowerSetting {
  readonly failures: FailureControl;
  readonly events: readonly MachineEvent[];
  readonly folder: string;
  /** Calls back at the next power cut. */
  onceCut(callback: () => void): void;
  store(offset: number, bytes: string | Uint8Array): Promise<void>;
  fsync(): Promise<void>;
  load(offset: number, length: number): Promise<Buffer>;
  /** The guest after a power cut. */
  startAgain(): Promise<void>;
  info(): Promise<PmemInfo>;
  /** In good order. */
  close(): Promise<void>;
}

const OPTIONS = 'size=4M,share=on,power-failure=on';

/** The guest is part of the machine. */
async function embedded(): Promise<PowerSetting> {
  const bench = new MachineBench();
  const { machine, folder } = bench;
  await bench.object(`memory-backend-file,id=mem1,mem-path=${folder}/disk.img,${OPTIONS}`);
  await bench.device('virtio-pmem-pci,id=nv1,memdev=mem1');
  await machine.start();
  return {
    failures: machine.failures,
    events: bench.events,
    folder,
    onceCut: (callback) => once(machine, callback),
    store: (offset, bytes) => machine.guest.write('nv1', offset, Buffer.from(bytes)),
    fsync: () => machine.guest.fsync('nv1'),
    load: async (offset, length) => Buffer.from(await machine.guest.read('nv1', offset, length)),
    startAgain: () => machine.cont(),
    info: () => infoOf(machine),
    close: () => machine.close(),
  };
}

/** The guest reaches the device through its socket. */
async function served(): Promise<PowerSetting> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-power-'));
  const failed = (error: Error): never => {
    throw error;
  };
  const machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
  const events: MachineEvent[] = [];
  machine.onEvent((event) => events.push(event));
  await machine.addObject(parseOption(`memory-backend-file,id=mem1,mem-path=${folder}/disk.img,${OPTIONS}`, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
  await machine.addDevice(parseOption('virtio-pmem-pci,id=nv1,memdev=mem1', { grammar: 'qemuopts', impliedKey: 'driver' }));
  let guest: Guest | undefined;
  const start = (): PmemDisk => {
    guest = new Guest();
    return guest.plug(RemoteFunction.connect(join(folder, 'nv1.sock')));
  };
  let disk = start();
  return {
    failures: machine.failures,
    events,
    folder,
    onceCut: (callback) => once(machine, callback),
    store: (offset, bytes) => {
      disk.write(offset, Buffer.from(bytes));
      return Promise.resolve();
    },
    fsync: () => disk.fsync(),
    load: (offset, length) => Promise.resolve(Buffer.from(disk.read(offset, length))),
    startAgain: () => {
      guest?.cutPower();
      disk = start();
      return Promise.resolve();
    },
    info: () => infoOf(machine),
    close: async () => {
      if (guest === undefined) return;
      guest.cutPower();
      guest = undefined;
      await machine.close();
    },
  };
}

async function infoOf(machine: ManagedMachine): Promise<PmemInfo> {
  const [info] = await machine.pmem();
  if (info === undefined) throw new TypeError('the device is not there');
  return info;
}

function once(machine: ManagedMachine, callback: () => void): void {
  const forget = machine.onEvent(({ name }) => {
    if (name !== 'PMEM_POWER_CUT') return;
    forget();
    callback();
  });
}

/** Whatever a guest is, it loses the same. */
export const POWER_SETTINGS = [
  ['the embedded guest', embedded],
  ['a guest behind a socket', served],
] as const;
