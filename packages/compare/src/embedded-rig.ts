import { EmbeddedMachine } from '@vpmem/embedded-machine';
import type { Survival } from '@vpmem/simulated-medium';
import { CompareError, type Left, type Losses, type Rig, type Trial } from './rig.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { SparseImage } from './sparse-image.ts';
import { AREA, lastSeen } from './workload.ts';

const RAM = 64 * 2 ** 20;
const GAP = 2 ** 30;
const DEVICE = 'nv1';

interface Running {
  readonly machine: EmbeddedMachine;
  readonly path: string;
}

/** Each trial in a machine of its own, with a guest that is part of this process. There is no file system: the device is the file. */
export class EmbeddedRig implements Rig {
  readonly guest = { kind: 'embedded' } as const;
  readonly #folder = new ScratchFolder();
  readonly #size: number;
  readonly #running = new Map<Trial, Running>();

  /** @param size bytes of each file */
  constructor(size: number) {
    this.#size = size;
  }

  async perform(trial: Trial): Promise<void> {
    const { machine } = await this.#start(trial);
    const whole = Buffer.concat(trial.workload.records);
    for (const step of trial.workload.steps) {
      if (step.kind === 'store') await machine.guest.write(DEVICE, step.offset, whole.subarray(step.offset, step.offset + step.length));
      else await machine.guest.fsync(DEVICE).catch((error: unknown) => this.#fail(trial, `an fsync failed: ${(error as Error).message}`));
    }
    if (lastSeen(trial.workload).compare(await machine.guest.read(DEVICE, 0, AREA)) !== 0) this.#fail(trial, 'the guest does not see what it has stored');
  }

  async cut(trial: Trial, survival: Survival): Promise<Losses> {
    const report = await this.#of(trial).machine.failures.powerCut(DEVICE, survival);
    if (report === undefined) this.#fail(trial, 'the power was not cut');
    return { lost: report.lostBytes, survived: report.survivedBytes };
  }

  async restart(): Promise<void> {
    for (const { machine } of this.#running.values()) await machine.cont();
  }

  async left(trial: Trial): Promise<Left> {
    return { bytes: Buffer.from(await this.#of(trial).machine.guest.read(DEVICE, 0, AREA)) };
  }

  keep(trial: Trial, path: string): void {
    SparseImage.read(this.#of(trial).path).write(path);
  }

  async close(): Promise<void> {
    const all = [...this.#running.values()];
    this.#running.clear();
    for (const { machine } of all) await machine.close();
    this.#folder.remove();
  }

  async #start(trial: Trial): Promise<Running> {
    const { device, workload } = trial;
    const path = this.#folder.join(`${workload.name}-${device}.img`);
    const machine = EmbeddedMachine.create({
      machine: device === 'nvdimm' ? ['pc,nvdimm=on'] : ['pc'],
      memory: `size=${RAM / 2 ** 20}M,slots=1,maxmem=${RAM + this.#size + GAP}`,
      warn: (text) => this.#fail(trial, text),
    });
    const running = { machine, path };
    this.#running.set(trial, running);
    const backend = { 'qom-type': 'memory-backend-file', id: 'mem1', 'mem-path': path, size: this.#size, share: true, 'power-failure': true };
    await machine.addObject({ form: 'json', properties: backend });
    await machine.addDevice({ form: 'json', properties: { driver: device === 'nvdimm' ? 'nvdimm' : 'virtio-pmem-pci', id: DEVICE, memdev: 'mem1' } });
    await machine.start();
    return running;
  }

  #of(trial: Trial): Running {
    const running = this.#running.get(trial);
    if (running === undefined) throw new TypeError('the trial has not been performed');
    return running;
  }

  #fail({ workload, device }: Trial, text: string): never {
    throw new CompareError(`${workload.name} on ${device}: ${text}`);
  }
}
