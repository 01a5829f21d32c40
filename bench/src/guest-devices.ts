import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonProcess } from '@vpmem/daemon/process';
import { startGuest, type Guest, type Testbed } from '@vpmem/testbed';

const SIZE = 256 * 2 ** 20;
const KIB = 1024;

/** Who serves a device. */
export type Server = 'vpmem' | 'qemu';

/** Where each device is on the bus, which is how they are told apart in the guest. */
const SLOTS: Readonly<Record<Server, number>> = { vpmem: 0x10, qemu: 0x11 };

/** One Linux guest with two virtio-pmem devices on files side by side: one is vpmem's, one QEMU's own. */
export class GuestPair {
  readonly guest: Guest;
  /** `/dev/pmem0` or `/dev/pmem1`. */
  readonly devices: Readonly<Record<Server, string>>;
  readonly #daemon: DaemonProcess;
  readonly #folder: string;

  private constructor(guest: Guest, devices: Readonly<Record<Server, string>>, daemon: DaemonProcess, folder: string) {
    this.guest = guest;
    this.devices = devices;
    this.#daemon = daemon;
    this.#folder = folder;
  }

  /** Starts the daemon and the guest, with both files in a new folder inside `where`. */
  static async start(testbed: Testbed, where: string): Promise<GuestPair> {
    const folder = mkdtempSync(join(where, 'vpmem-bench-'));
    const theirs = join(folder, 'qemu.img');
    writeFileSync(theirs, '');
    truncateSync(theirs, SIZE);
    const daemon = await DaemonProcess.start([
      '-object',
      `memory-backend-file,id=mem1,share=on,mem-path=${join(folder, 'vpmem.img')},size=${SIZE}`,
      '-device',
      `virtio-pmem-pci,id=nv1,memdev=mem1,socket=${join(folder, 'nv1.sock')},addr=${SLOTS.vpmem.toString(16)}`,
    ]);
    try {
      const guest = await startGuest({
        testbed,
        kernel: '6.12',
        memory: '1G,slots=2,maxmem=4G',
        tools: ['fio'],
        qemuArgs: [
          ...daemon.devices.flatMap((device) => ['-device', device]),
          '-object',
          `memory-backend-file,id=mem2,share=on,mem-path=${theirs},size=${SIZE}`,
          '-device',
          `virtio-pmem-pci,id=nv2,memdev=mem2,addr=${SLOTS.qemu.toString(16)}`,
        ],
      });
      await guest.sh('wait-for /dev/pmem0 && wait-for /dev/pmem1');
      const devices = { vpmem: await findDevice(guest, 'vpmem'), qemu: await findDevice(guest, 'qemu') };
      return new GuestPair(guest, devices, daemon, folder);
    } catch (error) {
      // The guest ends with this process; the daemon would not.
      await daemon.end();
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Resident memory of the daemon in MiB. */
  get daemonRss(): number {
    const status = readFileSync(`/proc/${String(this.#daemon.pid)}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / KIB;
  }

  async stop(): Promise<void> {
    await this.guest.stop();
    await this.#daemon.end();
    rmSync(this.#folder, { recursive: true });
  }
}

/** The device node of the function in a server's slot. */
async function findDevice(guest: Guest, server: Server): Promise<string> {
  return `/dev/${(await guest.sh(`ls -l /sys/block | grep -o ':00:${SLOTS[server].toString(16)}.*pmem[01]$' | grep -o 'pmem[01]$'`)).trim()}`;
}
