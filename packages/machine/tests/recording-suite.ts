import { rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { TRACKERS, withTracker } from '@vpmem/simulated-medium/testing';
import { afterAll, describe, expect, it } from 'vitest';
import type { Recording } from '../../recording/src/index.ts';
import { bytesOf } from './bytes-of.ts';
import { numbers, pick } from './numbers.ts';
import type { MakeSetting, PowerSetting } from './power-setting.ts';
import { RecordingModel } from './recording-model.ts';

/** Bytes at the beginning of the disk that are stored to, and looked at. */
const DISK = 96 * 1024;
const STEPS = 60;

/** A run that a seed decides: its guest stores, flushes, is marked, goes and comes, and what it made durable is recorded, from then to then. */
class RecordedRun {
  readonly #setting: PowerSetting;
  readonly #next: (below: number) => number;
  readonly #memory = Buffer.alloc(DISK);
  readonly #checks: (() => void)[] = [];
  readonly #causes: Set<string>;
  #model: RecordingModel | undefined;
  #path: string;
  #count = 0;

  /** `path`: of the recording that has begun, if one has; `causes` gets why pages were recorded. */
  constructor(setting: PowerSetting, seed: number, path: string | undefined, causes: Set<string>) {
    this.#setting = setting;
    this.#causes = causes;
    this.#next = numbers(seed);
    this.#path = path ?? '';
    if (path === undefined) return;
    this.#model = new RecordingModel(this.#memory, []);
    // Of which there was one before.
    this.#model.became('flush', this.#memory);
  }

  async go(): Promise<void> {
    for (let step = 0; step < STEPS; step++) await this.#step(this.#next(20));
    await this.#flush();
    await this.#end();
    await this.#setting.close();
    for (const check of this.#checks) check();
  }

  /** Whose end is the machine's. */
  async goToTheEnd(): Promise<void> {
    for (let step = 0; step < STEPS; step++) await this.#step(this.#next(19));
    const [model, path] = [this.#model, this.#path];
    await this.#store();
    await this.#setting.close();
    model?.became('flush', this.#file());
    if (model !== undefined) this.#check(model, path);
  }

  #check(model: RecordingModel, path: string): void {
    for (const cause of model.check(path, (recording, state) => this.#image(recording, state))) this.#causes.add(cause);
  }

  async #step(kind: number): Promise<void> {
    if (kind < 9) await this.#store();
    else if (kind < 14) await this.#flush();
    else if (kind < 16) await this.#mark();
    else if (kind < 17) await this.#setting.reset();
    else if (kind < 18) await new Promise((resolve) => setTimeout(resolve, 4));
    else if (kind < 19) await this.#cut();
    else if (this.#model === undefined) await this.#begin();
    else await this.#end();
  }

  async #store(): Promise<void> {
    const bytes = Buffer.alloc(1 + this.#next(9000), 1 + this.#next(255));
    // Often where it was before, and then the same again: a page that goes back is none that changed.
    const at = pick([0, 4096, 20_000, this.#next(DISK - bytes.length)], this.#next);
    if (this.#next(4) === 0) bytes.fill(0);
    this.#model?.store(at, bytes);
    bytes.copy(this.#memory, at);
    await this.#setting.store(at, bytes);
  }

  async #flush(): Promise<void> {
    await this.#setting.fsync();
    this.#model?.became('flush', this.#file());
  }

  async #mark(): Promise<void> {
    if (this.#model === undefined) return;
    const text = `mark ${this.#count++}`;
    await this.#setting.recordings.mark(text);
    this.#model.mark(text, this.#memory);
  }

  async #cut(): Promise<void> {
    const survival = { survivors: pick(['none', 'all', 'random'], this.#next), granularity: pick(['page', 'sector', 'line', 'word'], this.#next), seed: this.#next(2 ** 31) } as const;
    await this.#setting.failures.powerCut('nv1', survival);
    const durable = this.#file();
    durable.copy(this.#memory);
    this.#model?.became('cut', durable);
    await this.#setting.startAgain();
  }

  async #begin(): Promise<void> {
    // What was stored and not flushed before is not known here any more.
    await this.#flush();
    this.#path = join(this.#setting.folder, `${this.#count++}.vpmrec`);
    this.#model = new RecordingModel(this.#file(), []);
    await this.#store();
    const model = new RecordingModel(this.#file(), this.#model.volatile);
    // Without ticks it is flushes alone that tell of pages.
    await this.#setting.recordings.begin('nv1', { file: this.#path, ...(this.#next(2) === 0 && { interval: 2 }) });
    this.#model = model;
  }

  async #end(): Promise<void> {
    const [model, path] = [this.#model, this.#path];
    this.#model = undefined;
    if (model === undefined) return;
    await this.#setting.recordings.end('nv1');
    this.#checks.push(() => this.#check(model, path));
  }

  #file(): Buffer {
    return bytesOf(join(this.#setting.folder, 'disk.img'), 0, DISK);
  }

  #image(recording: Recording, state: string): Buffer {
    const path = join(this.#setting.folder, 'state.img');
    recording.writeImage(state, path);
    const bytes = bytesOf(path, 0, DISK);
    unlinkSync(path);
    return bytes;
  }
}

/** For every machine, on every page tracker: the image of each flush in its recording is what the file held, kept by somebody else. */
export function recordingSuite(who: string, make: MakeSetting, seeds: readonly number[]): void {
  for (const tracker of TRACKERS) {
    describe.skipIf(tracker.obstacle !== undefined)(`the recording of ${who}${withTracker(tracker)}`, () => {
      const causes = new Set<string>();
      // A run that looks at nothing would be green.
      afterAll(() => expect([...causes].sort()).toEqual(['cut', 'flush', 'mark', 'tick']));
      const run = async (seed: number, besides: (folder: string) => string, path: ((folder: string) => string) | undefined, go: (run: RecordedRun) => Promise<void>): Promise<void> => {
        const setting = await make(tracker.kind, besides);
        try {
          await setting.fsync();
          expect((await setting.info()).exposure?.tracker).toEqual({ kind: tracker.kind, reason: undefined });
          await go(new RecordedRun(setting, seed, path?.(setting.folder), causes));
        } finally {
          await setting.close();
          rmSync(setting.folder, { recursive: true, force: true });
        }
      };
      it.each(seeds)('has at each flush, mark and tick what there was; run %i', async (seed) => {
        await run(seed, () => '', undefined, (recorded) => recorded.go());
      });
      it.each(seeds)('begins with its backend and ends with its device; run %i', async (seed) => {
        const file = (folder: string): string => join(folder, 'run.vpmrec');
        await run(seed, (folder) => `,record=${file(folder)}${seed % 2 === 0 ? ',record-interval=2' : ''}`, file, (recorded) => recorded.goToTheEnd());
      });
    });
  }
}
