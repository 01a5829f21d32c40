import type { Survival } from '@vpmem/simulated-medium';
import type { Testbed } from '@vpmem/testbed';
import { LinuxDisks, type LinuxDisk } from './linux-disks.ts';
import { mountAt, readScript, replayedScript, unpack, workScript } from './linux-script.ts';
import type { LinuxTemplate } from './linux-template.ts';
import { CompareError, type GuestDescription, type Left, type Losses, type Rig, type Trial } from './rig.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { SparseImage } from './sparse-image.ts';

const KERNEL = '6.12';

/** What the guests of a testbed are. */
export function linuxDescription({ kernels, qemuVersion }: Testbed): GuestDescription {
  return { kind: 'linux', kernel: kernels[KERNEL].release, qemu: qemuVersion };
}

/** What the guests are made of. */
export interface LinuxRigOptions {
  readonly testbed: Testbed;
  readonly template: LinuxTemplate;
  /** Bytes of each file. */
  readonly size: number;
}

/**
 * All trials in one Linux guest under an unmodified QEMU, each on a disk of its own with ext4 and DAX. After the cuts QEMU is killed, and a
 * guest that has not seen them mounts what is left.
 */
export class LinuxRig implements Rig {
  readonly guest: GuestDescription;
  readonly #folder = new ScratchFolder();
  readonly #disks: LinuxDisks;
  readonly #of = new Map<Trial, LinuxDisk>();

  private constructor({ testbed, size }: LinuxRigOptions) {
    this.guest = linuxDescription(testbed);
    this.#disks = new LinuxDisks({ testbed, folder: this.#folder, size, powerFailure: true });
  }

  /** Boots the guest. @throws TestbedError, MachineError */
  static async start(options: LinuxRigOptions, trials: readonly Trial[]): Promise<LinuxRig> {
    const rig = new LinuxRig(options);
    try {
      await rig.#boot(options.template, trials);
      return rig;
    } catch (error) {
      await rig.close();
      throw error;
    }
  }

  async perform(trial: Trial): Promise<void> {
    const folder = this.#mountPoint(trial);
    await this.#disks.sh(mountAt(this.#nameOf(trial), folder));
    const { status, output } = await this.#disks.run(workScript(trial, folder));
    if (status !== 0) throw new CompareError(`${trial.workload.name} on ${trial.device}: the work could not be done: ${output.replaceAll(/\s+/g, ' ').trim()}`);
  }

  async cut(trial: Trial, survival: Survival): Promise<Losses> {
    const report = await this.#disks.machine.failures.powerCut(this.#disks.idOf(this.#disk(trial)), survival);
    if (report === undefined) throw new CompareError(`${trial.workload.name} on ${trial.device}: the power was not cut`);
    return { lost: report.lostBytes, survived: report.survivedBytes };
  }

  restart(): Promise<void> {
    return this.#disks.boot();
  }

  async left(trial: Trial): Promise<Left> {
    const [name, folder] = [this.#nameOf(trial), this.#mountPoint(trial)];
    const mount = await this.#disks.run(mountAt(name, folder));
    const mounted = mount.status === 0;
    const replayed = mounted && (await this.#disks.run(replayedScript(name))).status === 0;
    let bytes: Buffer = Buffer.alloc(0);
    if (mounted) {
      const read = await this.#disks.run(readScript(trial, folder));
      if (read.status === 0) bytes = unpack(read.output);
      await this.#disks.sh(`umount ${folder}`);
    }
    const check = await this.#disks.run(`e2fsck -f -n ${name}`);
    const clean = check.status === 0;
    const said = mounted ? check.output : mount.output;
    return { bytes, fileSystem: { mounted, replayed, clean, ...(!(mounted && clean) && { said: said.slice(-500) }) } };
  }

  keep(trial: Trial, path: string): void {
    SparseImage.read(this.#disk(trial).path).write(path);
  }

  async close(): Promise<void> {
    await this.#disks.close();
    this.#folder.remove();
  }

  async #boot({ images }: LinuxTemplate, trials: readonly Trial[]): Promise<void> {
    for (const trial of trials) {
      const disk = { device: trial.device, path: this.#folder.join(`${trial.workload.name}-${trial.device}.img`) };
      images[trial.device].write(disk.path);
      this.#of.set(trial, disk);
      await this.#disks.add(disk);
    }
    await this.#disks.boot();
  }

  #disk(trial: Trial): LinuxDisk {
    const disk = this.#of.get(trial);
    if (disk === undefined) throw new TypeError('the trial is not of this rig');
    return disk;
  }

  #nameOf(trial: Trial): string {
    return this.#disks.nameOf(this.#disk(trial));
  }

  #mountPoint({ workload, device }: Trial): string {
    return `/disks/${workload.name}-${device}`;
  }
}
