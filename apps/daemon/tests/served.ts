import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { livesInMemory } from '@vpmem/native';
import { DaemonProcess, type DaemonProcessOptions } from '../src/daemon-process.ts';
import { deviceOptions } from './daemon-guests.ts';

/** Where the files of a {@link Served} are: a sync of one on a disk waits, of one in memory it has nothing to do. */
export type Storage = 'disk' | 'memory';

/** A folder of its own with a daemon whose files and sockets are in it. */
export class Served {
  readonly folder: string;

  constructor(storage: Storage = 'disk') {
    this.folder = mkdtempSync(join(storage === 'memory' ? '/dev/shm' : diskFolder(), 'vpmem-served-'));
  }

  #daemon: DaemonProcess | undefined;

  /** The running daemon. */
  get daemon(): DaemonProcess {
    if (this.#daemon === undefined) throw new Error('no daemon was started');
    return this.#daemon;
  }

  file(i: number): string {
    return join(this.folder, `pmem${i}.img`);
  }

  socket(i: number): string {
    return join(this.folder, `nv${i}.sock`);
  }

  /** Starts the daemon with one device per size, `nv0` on. `device` is appended to each -device, `args` to all. */
  async start(sizes: readonly string[], options: DaemonProcessOptions & { device?: string; args?: readonly string[] } = {}): Promise<DaemonProcess> {
    const args = sizes.flatMap((size, i) => deviceOptions(this.folder, i, { size, file: this.file(i), ...(options.device !== undefined && { device: options.device }) }));
    this.#daemon = await DaemonProcess.start([...args, ...(options.args ?? [])], options);
    return this.#daemon;
  }

  /** What it printed, as words of QEMU's command line. */
  get qemuArgs(): string[] {
    return this.daemon.devices.flatMap((device) => ['-device', device]);
  }

  /** Ends the daemon and takes the folder away. */
  async close(): Promise<void> {
    await this.#daemon?.end('SIGTERM');
    rmSync(this.folder, { recursive: true });
  }
}

/** Temporary files may be kept in memory; those that have to last are not. */
function diskFolder(): string {
  return livesInMemory(tmpdir()) ? '/var/tmp' : tmpdir();
}
