import type { DeviceQueue, Popped, QueueError } from './device-queue.ts';

/** A buffer the device has, or is done with; `next` was taken after it. */
interface Taken {
  readonly head: number;
  written: number | undefined;
  next: Taken | undefined;
}

/** VIRTIO_F_IN_ORDER (VIRTIO 1.4 §6.2): gives buffers back in the order in which they were taken, whenever they are finished. */
export class InOrderQueue implements DeviceQueue {
  readonly size: number;
  readonly #ring: DeviceQueue;
  readonly #taken = new Map<number, Taken>();
  #oldest: Taken | undefined;
  #newest: Taken | undefined;

  constructor(ring: DeviceQueue) {
    this.size = ring.size;
    this.#ring = ring;
  }

  check(): QueueError | undefined {
    return this.#ring.check();
  }

  begin(): void {
    this.#ring.begin();
  }

  goOnAt(position: number | undefined): void {
    this.#ring.goOnAt(position);
  }

  locate(): boolean {
    return this.#ring.locate();
  }

  get position(): number | undefined {
    return this.#ring.position;
  }

  pop(): Popped {
    const popped = this.#ring.pop();
    if (popped.code !== 'chain') return popped;
    const { head } = popped;
    if (this.#taken.has(head)) return { code: 'buffer-in-flight', detail: `buffer ${head} is in flight` };
    const taken: Taken = { head, written: undefined, next: undefined };
    this.#taken.set(head, taken);
    if (this.#newest !== undefined) this.#newest.next = taken;
    this.#newest = taken;
    this.#oldest ??= taken;
    return popped;
  }

  push(head: number, written: number): void {
    const finished = this.#taken.get(head);
    if (finished === undefined) return;
    finished.written = written;
    while (this.#oldest?.written !== undefined) {
      this.#ring.push(this.#oldest.head, this.#oldest.written);
      this.#taken.delete(this.#oldest.head);
      this.#oldest = this.#oldest.next;
    }
    if (this.#oldest === undefined) this.#newest = undefined;
  }

  needsInterrupt(): boolean {
    return this.#ring.needsInterrupt();
  }

  get available(): boolean {
    return this.#ring.available;
  }

  enableNotifications(): boolean | undefined {
    return this.#ring.enableNotifications();
  }

  disableNotifications(): void {
    this.#ring.disableNotifications();
  }
}
