import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import type { RecoveryStep } from '@vpmem/explorer';
import { startThread, threadProgram } from '@vpmem/memory-backend';
import { attachLoopDevice, detachLoopDevice, dropBlockCache, turnReadAheadOff, unmount } from '@vpmem/native';
import { IMAGE_NAME } from './fuse-server.ts';
import type { FuseThreadData } from './fuse-thread.ts';
import { takeSteps } from '../write-trace.ts';

/**
 * An image as a block device whose reads and writes are seen: a loop device on a file of FUSE, which a thread of ours serves.
 */
export class FuseMount {
  /** The block device. */
  readonly device: string;
  readonly #point: string;
  readonly #thread: Worker;
  readonly #ended: Promise<unknown>;
  readonly #trace: MessagePort;

  private constructor(point: string, thread: Worker, ended: Promise<unknown>, device: string, trace: MessagePort) {
    this.#point = point;
    this.#thread = thread;
    this.#ended = ended;
    this.device = device;
    this.#trace = trace;
  }

  /** Mounts it at `point`, a folder. @throws errors of the system where there is no FUSE, no loop device, or no permission */
  static async open(point: string, data: Omit<FuseThreadData, 'point' | 'trace'>): Promise<FuseMount> {
    let thread: Worker | undefined;
    const { port1: trace, port2 } = new MessageChannel();
    try {
      const workerData: FuseThreadData = { ...data, point, trace: port2 };
      // Options of this program are not for the thread: it would refuse --input-type, for one.
      thread = startThread(threadProgram('fuse-thread', import.meta.url), 'an image', { workerData, transferList: [port2], execArgv: [], trackUnmanagedFds: false });
      const ended = once(thread, 'exit');
      // Nobody would answer any more, and whoever asks would wait for ever.
      thread.once('error', () => abort(point));
      // Somebody waits for it.
      thread.ref();
      await Promise.race([once(thread, 'message'), ended.then(() => Promise.reject(new Error('the thread of an image has ended')))]);
      const file = openSync(join(point, IMAGE_NAME), 'r+');
      try {
        const device = attachLoopDevice(file);
        const opened = new FuseMount(point, thread, ended, device, trace);
        opened.#withDevice(turnReadAheadOff);
        thread.unref();
        return opened;
      } finally {
        closeSync(file);
      }
    } catch (error) {
      abort(point);
      trace.close();
      await thread?.terminate();
      throw error;
    }
  }

  /** What was written since this was asked for last, as far as it was to be traced: all for which whoever wrote has an answer. */
  takeSteps(): RecoveryStep[] {
    return takeSteps(this.#trace);
  }

  /** Drops what the kernel keeps of the device. False if somebody has it mounted still. */
  dropCache(): boolean {
    try {
      this.#withDevice(dropBlockCache);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      throw error;
    }
  }

  /**
   * Whoever waits for the image gets an error, now and from now on. What is mounted of the device has an error in everything, and the device is
   * gone as soon as that is unmounted. Settles when the thread has ended.
   */
  async close(): Promise<void> {
    // Before its file has no path any more: until it is detached, whoever cleans up finds it by that.
    detachLoopDevice(this.device);
    abort(this.#point);
    this.#thread.ref();
    await this.#ended;
    this.#trace.close();
  }

  /** Opens the device, which works only while nobody has it mounted. */
  #withDevice(act: (fd: number) => void): void {
    const fd = openSync(this.device, constants.O_RDONLY | constants.O_EXCL);
    try {
      act(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** Takes away a mount of FUSE, whoever uses it; nothing if there is none. */
function abort(point: string): void {
  try {
    unmount(point, { lazy: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}
