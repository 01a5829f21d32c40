import { Machine } from '@vpmem/served-machine';
import { nvdimmMachine, resumeGuest, type Guest, type Testbed } from '@vpmem/testbed';
import { LIST_DISKS, QUIET, readDisks, waitForDisks } from './linux-script.ts';
import { CompareError, type DeviceKind } from './rig.ts';
import type { ScratchFolder } from './scratch-folder.ts';

const MIB = 2 ** 20;
/** For one command; a guest without KVM on a busy machine is slow. */
const PATIENCE = { timeout: 180_000 };

/** A file that is a disk of the guest. */
export interface LinuxDisk {
  readonly device: DeviceKind;
  readonly path: string;
}

export interface LinuxDisksOptions {
  readonly testbed: Testbed;
  readonly folder: ScratchFolder;
  /** Bytes of each file. */
  readonly size: number;
  /** Whether the disks lose what was not flushed. */
  readonly powerFailure: boolean;
  /** MiB that the guest's RAM has to have; it has 512 in any case. */
  readonly ram?: number;
  /** A file that QEMU has as virtio-blk, as /dev/vda: what `-drive` has of it. */
  readonly drive?: string;
}

/**
 * Files given to Linux guests: as virtio-pmem by devices of ours, which QEMU reaches over vfio-user, and as QEMU's own nvdimm, whose
 * memory is that of a device of ours that nobody connects to.
 */
export class LinuxDisks {
  readonly machine: Machine;
  readonly #options: LinuxDisksOptions;
  readonly #disks: LinuxDisk[] = [];
  #guest: Guest | undefined;
  #names: ReadonlyMap<LinuxDisk, string> = new Map();

  constructor(options: LinuxDisksOptions) {
    const { folder } = options;
    this.#options = options;
    const failed = (error: Error): never => {
      throw error;
    };
    this.machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder.path });
  }

  /** Before a guest is started; the file is there or is made. */
  async add(disk: LinuxDisk): Promise<void> {
    const id = `d${this.#disks.length}`;
    const { size, powerFailure } = this.#options;
    await this.machine.addObject({ form: 'json', properties: { 'qom-type': 'memory-backend-file', id: `mem-${id}`, 'mem-path': disk.path, size, share: true, 'power-failure': powerFailure } });
    await this.machine.addDevice({ form: 'json', properties: { driver: 'virtio-pmem-pci', id, memdev: `mem-${id}` } });
    this.#disks.push(disk);
  }

  /** The id of the disk's device in {@link machine}. */
  idOf(disk: LinuxDisk): string {
    return `d${this.#disks.indexOf(disk)}`;
  }

  /** Starts a guest that has all of them, and has seen none of them before; one that runs already is killed. */
  async boot(): Promise<void> {
    await this.#guest?.kill();
    await this.#guest?.stop();
    const { testbed, size, ram, drive } = this.#options;
    const nvdimms = this.#disks.filter(({ device }) => device === 'nvdimm').length;
    const { backends, plug } = await this.#devices();
    this.#guest = await resumeGuest({
      testbed,
      ...nvdimmMachine({ room: 1024 + Math.ceil(size / MIB) * (nvdimms + 1), ...(ram !== undefined && { memory: ram }) }),
      qemuArgs: [...backends, ...(drive === undefined ? [] : ['-drive', `if=none,id=drive,${drive}`])],
      plug: [...plug, ...(drive === undefined ? [] : [JSON.stringify({ driver: 'virtio-blk-pci', drive: 'drive' })])],
    });
    await this.sh(QUIET);
    await this.findDisks();
  }

  /** Asks the guest for the names of its disks, which change with a namespace's mode. */
  async findDisks(): Promise<void> {
    if (this.#disks.length === 0) return;
    const { status, output } = await this.run(`${waitForDisks(this.#disks.length)} && { ${LIST_DISKS}; }`);
    if (status !== 0) throw new CompareError(`Linux found ${output.trim()} of the ${this.#disks.length} disks it was given`);
    const found = readDisks(output.trim());
    const next = { 'virtio-pmem': 0, nvdimm: 0 };
    this.#names = new Map(this.#disks.map((disk) => [disk, found[disk.device][next[disk.device]++] ?? '']));
  }

  /** Of the guest's QEMU. */
  get pid(): number {
    return this.#running.pid;
  }

  /** What the guest calls it: `/dev/pmem0`. */
  nameOf(disk: LinuxDisk): string {
    return this.#names.get(disk) ?? '';
  }

  /** Runs a script that has to succeed. @throws TestbedError, CompareError */
  sh(script: string): Promise<string> {
    return this.#running.sh(script, PATIENCE);
  }

  run(script: string): Promise<{ readonly status: number; readonly output: string }> {
    return this.#running.run(script, PATIENCE);
  }

  async powerOff(): Promise<void> {
    await this.#running.powerOff(PATIENCE);
    await this.#guest?.stop();
    this.#guest = undefined;
  }

  async close(): Promise<void> {
    await this.#guest?.stop();
    await this.machine.close();
  }

  get #running(): Guest {
    if (this.#guest === undefined) throw new CompareError('there is no guest');
    return this.#guest;
  }

  /** In order: memory of QEMU's own, and devices to plug in. */
  async #devices(): Promise<{ readonly backends: string[]; readonly plug: string[] }> {
    const infos = await this.machine.pmem();
    const [backends, plug]: [string[], string[]] = [[], []];
    for (const [i, disk] of this.#disks.entries()) {
      const id = this.idOf(disk);
      if (disk.device === 'virtio-pmem') {
        plug.push(JSON.stringify(this.machine.devices.find((each) => each.id === id)?.plug));
        continue;
      }
      const memory = infos.find((each) => each.id === id)?.memoryPath ?? disk.path;
      backends.push('-object', `memory-backend-file,id=nvm${i},mem-path=${memory.replaceAll(',', ',,')},size=${this.#options.size},share=on`);
      plug.push(JSON.stringify({ driver: 'nvdimm', id: `nvdimm${i}`, memdev: `nvm${i}` }));
    }
    return { backends, plug };
  }
}
