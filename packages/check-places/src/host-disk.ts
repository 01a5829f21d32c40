import { closeSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RecoveryStep } from '@vpmem/explorer';
import { createMemfd } from '@vpmem/native';
import { FuseMount } from './fuse/fuse-mount.ts';
import { PlaceImage } from './place-image.ts';
import { TouchedPages } from './fuse/touched-pages.ts';

/** The image of a place as a block device of this host: what is read of it is seen, and what is written can be taken back. */
export class HostDisk {
  readonly image: PlaceImage;
  readonly touched: TouchedPages;
  readonly #folder: string;
  readonly #written: number;
  #mount: FuseMount | undefined;
  #mounts = 0;
  /** Of a device that was left. */
  #steps: RecoveryStep[] = [];

  private constructor(folder: string, size: number) {
    this.#folder = folder;
    this.image = new PlaceImage(size, { sealed: false });
    this.#written = createMemfd('vpmem written', size);
    this.touched = new TouchedPages(size);
  }

  /** Mounts below `folder`. @throws errors of the system where there is no FUSE, no loop device, or no permission */
  static async open(folder: string, size: number): Promise<HostDisk> {
    const disk = new HostDisk(folder, size);
    try {
      await disk.#attach();
    } catch (error) {
      await disk.close();
      throw error;
    }
    return disk;
  }

  /** The block device. */
  get device(): string {
    if (this.#mount === undefined) throw new Error('this disk is closed');
    return this.#mount.device;
  }

  /** What was written since this was asked for last, as far as it was to be traced. */
  takeSteps(): RecoveryStep[] {
    const steps = [...this.#steps, ...(this.#mount?.takeSteps() ?? [])];
    this.#steps = [];
    return steps;
  }

  /** The kernel keeps nothing of the device any more. False if somebody has it mounted still. */
  dropCache(): boolean {
    return this.#mount?.dropCache() ?? true;
  }

  /** Leaves the device to whoever holds it, with an error in everything, and takes another. */
  async renew(): Promise<void> {
    this.#steps = this.takeSteps();
    if (this.touched.trace !== 0) this.#steps.push({ type: 'lost', text: 'the device was removed while a program still used it' });
    await this.detach();
    this.touched.reset();
    await this.#attach();
  }

  /** Takes the device away from whoever uses it. */
  async detach(): Promise<void> {
    const mount = this.#mount;
    this.#mount = undefined;
    await mount?.close();
  }

  async close(): Promise<void> {
    await this.detach();
    this.image.close();
    closeSync(this.#written);
  }

  async #attach(): Promise<void> {
    const point = join(this.#folder, `${++this.#mounts}`, 'fuse');
    mkdirSync(point, { recursive: true });
    this.#mount = await FuseMount.open(point, { size: this.image.size, image: this.image.fd, written: this.#written, touched: this.touched.memory });
  }
}
