import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonProcess } from '@vpmem/daemon/process';
import { startGuest, type Accelerator, type Guest, type Testbed } from '@vpmem/testbed';
import { startDaemon, type Build } from './build.ts';

const SIZE = 256 * 2 ** 20;
const KIB = 1024;
/** Milliseconds that anything may take in a guest: on a machine with ten times as much to do as it can, a boot takes a minute. */
export const PATIENCE = 600_000;

/** Who serves a device: this build, the one that it is measured against, QEMU itself. */
export type Server = 'vpmem' | 'other' | 'qemu';
type Daemon = Exclude<Server, 'qemu'>;

/** Something of each server that takes part. */
export type Each<T> = Readonly<Partial<Record<Server, T>>>;

/** Where each device is on the bus, which is how they are told apart in the guest. */
const SLOTS: Readonly<Record<Server, number>> = { vpmem: 0x10, qemu: 0x11, other: 0x12 };

export interface GuestDevicesOptions {
  readonly testbed: Testbed;
  readonly accelerator: Accelerator;
  /** All backing files lie in a new folder in it. */
  readonly where: string;
  readonly build: Build;
  /** Serves a third device. */
  readonly other?: Build | undefined;
}

/** One Linux guest with virtio-pmem devices on files side by side: vpmem's, QEMU's own, and one of another build of vpmem's. */
export class GuestDevices {
  readonly guest: Guest;
  /** The folder with the files. */
  readonly folder: string;
  readonly servers: readonly Server[];
  /** `/dev/pmem0` and so on. */
  readonly devices: Each<string>;
  readonly #daemons: ReadonlyMap<Daemon, DaemonProcess>;

  private constructor(guest: Guest, devices: Each<string>, daemons: ReadonlyMap<Daemon, DaemonProcess>, folder: string) {
    this.guest = guest;
    this.devices = devices;
    this.servers = [...daemons.keys(), 'qemu'];
    this.#daemons = daemons;
    this.folder = folder;
  }

  /** Starts the daemons and the guest. Nothing is left of them if that fails. */
  static async start({ testbed, accelerator, where, build, other }: GuestDevicesOptions): Promise<GuestDevices> {
    const folder = mkdtempSync(join(where, 'vpmem-bench-'));
    // For who is interrupted: the files are large, and may take memory. Daemons and guests end with this process.
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const daemons = new Map<Daemon, DaemonProcess>();
    let guest: Guest | undefined;
    try {
      daemons.set('vpmem', await serve(build, folder, 'vpmem'));
      if (other !== undefined) daemons.set('other', await serve(other, folder, 'other'));
      const theirs = join(folder, 'qemu.img');
      writeFileSync(theirs, '');
      truncateSync(theirs, SIZE);
      const own = ['-object', `memory-backend-file,id=own,share=on,mem-path=${theirs},size=${SIZE}`, '-device', `virtio-pmem-pci,id=own-pmem,memdev=own,addr=${SLOTS.qemu.toString(16)}`];
      guest = await startGuest({
        testbed,
        accelerator,
        kernel: '6.12',
        boot: 'plain',
        memory: '1G,slots=2,maxmem=4G',
        tools: ['fio'],
        timeout: PATIENCE,
        qemuArgs: [...[...daemons.values()].flatMap((daemon) => daemon.devices.flatMap((device) => ['-device', device])), ...own],
      });
      const devices: Partial<Record<Server, string>> = {};
      for (const i of [...daemons.keys(), 'qemu'].keys()) await guest.sh(`wait-for /dev/pmem${i}`, { timeout: PATIENCE });
      for (const server of [...daemons.keys(), 'qemu'] as const) devices[server] = await findDevice(guest, server);
      return new GuestDevices(guest, devices, daemons, folder);
    } catch (error) {
      await clear(guest, daemons, folder);
      throw error;
    }
  }

  /** Processes by what they serve. */
  get processes(): Each<number> {
    const daemons = [...this.#daemons].map(([server, daemon]) => [server, daemon.pid] as const);
    return { ...Object.fromEntries(daemons), qemu: this.guest.pid };
  }

  /** Resident memory of each daemon in MiB. */
  get resident(): Each<number> {
    return Object.fromEntries([...this.#daemons].map(([server, { pid }]) => [server, Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) / KIB]));
  }

  /** @throws Error if there is none */
  device(server: Server): string {
    const device = this.devices[server];
    if (device === undefined) throw new Error(`there is no device of ${server}`);
    return device;
  }

  async stop(): Promise<void> {
    await clear(this.guest, this.#daemons, this.folder);
  }
}

async function serve(build: Build, folder: string, server: Daemon): Promise<DaemonProcess> {
  return await startDaemon(build, [
    '-object',
    `memory-backend-file,id=mem1,share=on,mem-path=${join(folder, `${server}.img`)},size=${SIZE}`,
    '-device',
    `virtio-pmem-pci,id=${server},memdev=mem1,socket=${join(folder, `${server}.sock`)},addr=${SLOTS[server].toString(16)}`,
  ]);
}

async function clear(guest: Guest | undefined, daemons: ReadonlyMap<Daemon, DaemonProcess>, folder: string): Promise<void> {
  await guest?.stop();
  for (const daemon of daemons.values()) await daemon.end();
  rmSync(folder, { recursive: true });
}

/** The device node of the function in a server's slot. */
async function findDevice(guest: Guest, server: Server): Promise<string> {
  return `/dev/${(await guest.sh(`ls -l /sys/block | grep -o ':00:${SLOTS[server].toString(16)}.*pmem[0-9]$' | grep -o 'pmem[0-9]$'`)).trim()}`;
}
