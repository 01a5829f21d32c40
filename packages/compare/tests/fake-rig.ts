import { CompareError, type FileSystemState, type Left, type Losses, type Rig, type Trial } from '../src/rig.ts';
import { AREA, lastSeen } from '../src/workload.ts';

/** What is wrong with a {@link FakeRig}. */
export interface Lie {
  /** Fsyncs of virtio-pmem, counted from 1 in each trial, that are answered and do nothing. */
  readonly lostFsync?: (fsync: number, trial: Trial) => boolean;
  /** An nvdimm keeps everything. */
  readonly luckyNvdimm?: boolean;
  readonly failsToPerform?: boolean;
  readonly fileSystem?: (trial: Trial) => FileSystemState;
}

/** For tests of this package: devices that are buffers. Of what is not durable nothing survives. */
export class FakeRig implements Rig {
  readonly guest = { kind: 'embedded' } as const;
  /** What was called, in order. */
  readonly calls: string[] = [];
  readonly #lie: Lie;
  readonly #durable = new Map<Trial, Buffer>();

  constructor(lie: Lie = {}) {
    this.#lie = lie;
  }

  async perform(trial: Trial): Promise<void> {
    this.#call('perform', trial);
    await Promise.resolve();
    if (this.#lie.failsToPerform === true) throw new CompareError('an fsync failed: EIO');
    const { workload, device } = trial;
    const [memory, disk, whole] = [Buffer.alloc(AREA), Buffer.alloc(AREA), Buffer.concat(workload.records)];
    let fsyncs = 0;
    for (const step of workload.steps) {
      if (step.kind === 'store') whole.copy(memory, step.offset, step.offset, step.offset + step.length);
      else if (device === 'virtio-pmem' && this.#lie.lostFsync?.(++fsyncs, trial) !== true) memory.copy(disk);
    }
    this.#durable.set(trial, device === 'nvdimm' && this.#lie.luckyNvdimm === true ? lastSeen(workload) : disk);
  }

  cut(trial: Trial): Promise<Losses> {
    this.#call('cut', trial);
    return Promise.resolve({ lost: 1, survived: 2 });
  }

  restart(): Promise<void> {
    this.calls.push('restart');
    return Promise.resolve();
  }

  left(trial: Trial): Promise<Left> {
    this.#call('left', trial);
    const state = this.#lie.fileSystem?.(trial);
    return Promise.resolve({ bytes: this.#durable.get(trial) ?? Buffer.alloc(0), ...(state !== undefined && { fileSystem: state }) });
  }

  keep(trial: Trial, path: string): void {
    this.calls.push(`keep ${trial.workload.name} ${trial.device} ${path}`);
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }

  #call(name: string, { workload, device }: Trial): void {
    this.calls.push(`${name} ${workload.name} ${device}`);
  }
}
