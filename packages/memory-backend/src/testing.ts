import type { Syncer } from './flushes/syncer.ts';

export { HugePageMount, noHugePages } from './files/huge-page-mount.ts';
export { LoopDevice, noLoopDevices } from './files/loop-device.ts';
export { ScarceDescriptors } from './scarce-descriptors.ts';
export { TestBackend } from './test-backend.ts';

/** A syncer that does what a test tells it, when it tells it. */
export class ManualSyncer implements Syncer {
  /** How often a sync was started. */
  started = 0;
  begun = true;
  #done: ((error: NodeJS.ErrnoException | undefined) => void) | undefined;

  start(done: (error: NodeJS.ErrnoException | undefined) => void): void {
    if (this.#done !== undefined) throw new Error('a sync is already running');
    this.started++;
    this.begun = false;
    this.#done = done;
  }

  get busy(): boolean {
    return this.#done !== undefined;
  }

  /** The started sync begins; false if there is none that has not. */
  begin(): boolean {
    if (this.#done === undefined || this.begun) return false;
    this.begun = true;
    return true;
  }

  /** The sync that has begun ends, with an error of this code if one is given; false if none has begun. */
  finish(code?: string): boolean {
    const done = this.#done;
    if (done === undefined || !this.begun) return false;
    this.#done = undefined;
    done(code === undefined ? undefined : Object.assign(new Error(`fdatasync: ${code}`), { code }));
    return true;
  }
}
