import type { ActiveQueue } from '../rings/active-queue.ts';
import type { DescriptorChain } from '../rings/descriptor-chain.ts';
import type { ActiveDriver, ConfigSpace, RegionLocator, VirtioDevice } from '../virtio-device.ts';

/**
 * A device to try transports and queues with: it gives every buffer back at once, or when told. Its configuration has 4
 * bytes: {@link EchoDevice.setting}, plus 1 if the driver accepted its one feature bit, 0.
 */
export class EchoDevice implements VirtioDevice {
  readonly deviceId = 99;
  readonly features = 1n;
  readonly queueSizes = [8, 4];
  readonly sharedMemory = [];
  /** What was asked of it, in order. */
  readonly actions: string[] = [];
  /** Heads of the buffers it has, while {@link hold} is set. */
  held: number[] = [];
  hold = false;
  setting = 0;
  queue: ActiveQueue | undefined;
  #finish: (() => void)[] = [];

  config(accepted: bigint, _: RegionLocator): ConfigSpace {
    return {
      size: 4,
      read: (offset) => ((this.setting + Number(accepted & 1n)) >> (8 * offset)) & 0xff,
      write: (_offset, _width, value) => {
        this.setting = value;
        return true;
      },
    };
  }

  activate(driver: ActiveDriver): void {
    this.actions.push('activate');
    this.queue = driver.queues[0];
  }

  notified(index: number): void {
    this.actions.push(`notified ${index}`);
    const take = ({ head }: DescriptorChain): void => {
      if (this.hold) this.held.push(head);
      else this.queue?.complete(head, 0);
    };
    this.queue?.drain(take, () => this.queue?.notify());
  }

  resetQueue(index: number, done: () => void): void {
    this.actions.push(`reset ${index}`);
    this.#end(done);
  }

  deactivate(done: () => void): void {
    this.actions.push('deactivate');
    this.#end(done);
  }

  /** Gives one of the held buffers back. */
  complete(head: number | undefined, written = 0): void {
    this.held = this.held.filter((other) => other !== head);
    if (head !== undefined) this.queue?.complete(head, written);
    this.queue?.notify();
  }

  /** Nothing is in flight any more: what waited for that goes on. */
  finish(): void {
    const waiting = this.#finish;
    this.#finish = [];
    for (const done of waiting) done();
  }

  #end(done: () => void): void {
    if (this.hold) this.#finish.push(done);
    else done();
  }
}
