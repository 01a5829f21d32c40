import type { Element, UsedBuffer } from '../driver/driver-virtqueue.ts';

interface Exposed {
  readonly head: number;
  readonly slots: number;
  /** All of its writable bytes. */
  readonly writable: number;
}

/** What became of the buffers up to one that the device reported. */
export interface InOrderUse {
  /** Every buffer of the batch, oldest first. */
  readonly used: readonly UsedBuffer[];
  /** Ring entries that all of them take. */
  readonly slots: number;
}

/** VIRTIO_F_IN_ORDER for a driver (VIRTIO 1.4 §2.7.9 and VIRTIO 1.4 §2.8.8): a buffer that is reported ends all that were exposed before it. */
export class InOrderBuffers {
  readonly #exposed: Exposed[] = [];

  expose(head: number, slots: number, elements: readonly Element[]): void {
    const writable = elements.reduce((sum, element) => sum + (element.writable === true ? element.length : 0), 0);
    this.#exposed.push({ head, slots, writable });
  }

  /** The device reported `head`; those before it count as used in full. Undefined if it did not have that buffer. */
  reported(head: number, length: number): InOrderUse | undefined {
    const last = this.#exposed.findIndex((exposed) => exposed.head === head);
    if (last < 0) return undefined;
    const batch = this.#exposed.splice(0, last + 1);
    return {
      used: batch.map((exposed, i) => ({ head: exposed.head, length: i === last ? length : exposed.writable })),
      slots: batch.reduce((sum, { slots }) => sum + slots, 0),
    };
  }
}
