import type { SavedObject } from '@vpmem/layout';
import type { PciEndpoint } from '@vpmem/pci';
import { VIRTIO_MSI_NO_VECTOR } from './common-config.ts';

/** VIRTIO 1.4 §4.1.4.5: bits of the ISR status. */
export const ISR_QUEUE = 1;
export const ISR_CONFIG = 2;

/** VIRTIO 1.4 §4.1.4.5: the ISR status of a function, and the interrupts that go with it: INTA, or MSI-X where that is enabled. */
export class IsrStatus {
  readonly #endpoint: () => PciEndpoint;
  #bits = 0;

  constructor(endpoint: () => PciEndpoint) {
    this.#endpoint = endpoint;
  }

  /** As a driver would read it; nothing is taken. */
  get bits(): number {
    return this.#bits;
  }

  /** VIRTIO 1.4 §4.1.4.5.1: reading takes the bits and lets go of the line. */
  take(): number {
    const bits = this.#bits;
    this.clear();
    // The other bit, and the line, are raised again by whoever goes on: no need to keep them at each request.
    if ((bits & ISR_CONFIG) !== 0) this.#endpoint().host?.changed?.();
    return bits;
  }

  raise(bit: number, vector: number): void {
    const endpoint = this.#endpoint();
    // VIRTIO 1.4 §4.1.4.5.1 asks for the configuration bit whatever the interrupt mode.
    this.#bits |= endpoint.msixEnabled ? bit & ISR_CONFIG : bit;
    if (bit === ISR_CONFIG) endpoint.host?.changed?.();
    if (!endpoint.msixEnabled) endpoint.setIntx(true);
    else if (vector !== VIRTIO_MSI_NO_VECTOR) endpoint.raiseMsix(vector);
  }

  clear(): void {
    this.#bits = 0;
    this.#endpoint().setIntx(false);
  }

  /** Reads `isrStatus`; call what it returns to put it back, without an interrupt. @throws RangeError */
  restoring(state: SavedObject): () => void {
    const bits = state.number('isrStatus', ISR_QUEUE | ISR_CONFIG);
    return () => (this.#bits = bits);
  }
}
