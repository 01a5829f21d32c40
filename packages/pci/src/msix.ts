import { le32, savedBytes, struct, type AccessWidth, type SavedObject } from '@vpmem/layout';
import { barSize, type BarHandler } from './bar.ts';
import { CAPABILITY_MSIX, type Capability } from './capability.ts';
import type { EndpointState } from './function-state.ts';
import type { MsixDelivery } from './pci-function.ts';

/** PCI 3.0 §6.8.2, an entry of the MSI-X table */
export const MsixTableEntry = struct('msix_table_entry', {
  message_address: le32,
  message_upper_address: le32,
  message_data: le32,
  vector_control: le32,
});

/** PCI 3.0 §6.8.2.3, Message Control: every vector is masked. */
export const MSIX_FUNCTION_MASK = 0x4000;
/** PCI 3.0 §6.8.2.3, Message Control: MSI-X is on, INTx off. */
export const MSIX_ENABLE = 0x8000;
/** PCI 3.0 §6.8.2.9, Vector Control: this vector is masked. */
const VECTOR_MASKED = 1;
const MAX_VECTORS = 2048;
const MIN_BAR = 4096;

const { message_address, message_upper_address, message_data, vector_control } = MsixTableEntry.fields;

/** PCI 3.0 §6.8.2: MSI-X of one function. It is the capability, and it answers the BAR that holds table and pending bits. */
export class Msix implements Capability, BarHandler {
  readonly id = CAPABILITY_MSIX;
  /** Size of the table. */
  readonly vectors: number;
  readonly body: Uint8Array;
  readonly writable: Uint8Array;
  /** Where the pending bits are in the BAR; the table begins it. */
  readonly pbaOffset: number;
  /** Bytes of BAR needed; a power of two. */
  readonly barSize: number;
  readonly #control: DataView;
  readonly #table: DataView;
  readonly #pending: Uint8Array;
  #delivery: MsixDelivery | undefined;
  #changed: () => void = () => undefined;

  /** `bar` is the index of the BAR that will hold table and pending bits. */
  constructor(vectors: number, bar: number) {
    if (!Number.isInteger(vectors) || vectors < 1 || vectors > MAX_VECTORS) {
      throw new RangeError(`MSI-X has 1 to ${MAX_VECTORS} vectors, not ${vectors}`);
    }
    this.vectors = vectors;
    this.#table = new DataView(new ArrayBuffer(vectors * MsixTableEntry.size));
    this.#pending = new Uint8Array(Math.ceil(vectors / 64) * 8);
    this.pbaOffset = Math.ceil(this.#table.byteLength / (MIN_BAR / 2)) * (MIN_BAR / 2);
    this.barSize = Math.max(MIN_BAR, barSize(this.pbaOffset + this.#pending.length));
    this.body = new Uint8Array(10);
    this.#control = new DataView(this.body.buffer);
    this.#control.setUint32(2, bar, true);
    this.#control.setUint32(6, this.pbaOffset | bar, true);
    this.writable = Uint8Array.of(0, (MSIX_ENABLE | MSIX_FUNCTION_MASK) >> 8, 0, 0, 0, 0, 0, 0, 0, 0);
    this.reset();
  }

  get enabled(): boolean {
    return (this.#control.getUint16(0, true) & MSIX_ENABLE) !== 0;
  }

  /** Calls `changed` whenever a driver has written to the table. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Where messages go from now on; undefined: nowhere. */
  connect(delivery: MsixDelivery | undefined): void {
    this.#delivery = delivery;
  }

  /** Table and pending bits; Message Control is in {@link body}. */
  save(): NonNullable<EndpointState['msix']> {
    return { table: savedBytes(new Uint8Array(this.#table.buffer)), pending: savedBytes(this.#pending) };
  }

  /** Reads what {@link save} gave; call what it returns to put it back, by which nothing is sent. @throws RangeError */
  restoring(state: SavedObject): () => void {
    const table = state.bytes('table', this.#table.byteLength);
    const pending = state.bytes('pending', this.#pending.length);
    return () => {
      new Uint8Array(this.#table.buffer).set(table);
      this.#pending.set(pending);
    };
  }

  reset(): void {
    this.#control.setUint16(0, this.vectors - 1, true);
    this.#pending.fill(0);
    new Uint8Array(this.#table.buffer).fill(0);
    for (let vector = 0; vector < this.vectors; vector++) {
      vector_control.set(this.#table, vector * MsixTableEntry.size, VECTOR_MASKED);
    }
  }

  /** Sends `vector`'s message, or keeps it pending while it is masked. */
  trigger(vector: number): void {
    if (!this.enabled || vector >= this.vectors || this.#delivery === undefined) return;
    // Whoever keeps the table keeps its masks: gating here as well would lose interrupts.
    if (this.#delivery.kind === 'vectors') return this.#delivery.signal(vector);
    const at = vector * MsixTableEntry.size;
    const functionMasked = (this.#control.getUint16(0, true) & MSIX_FUNCTION_MASK) !== 0;
    const masked = functionMasked || (vector_control.get(this.#table, at) & VECTOR_MASKED) !== 0;
    this.#setPending(vector, masked);
    if (masked) return;
    const address = (BigInt(message_upper_address.get(this.#table, at)) << 32n) | BigInt(message_address.get(this.#table, at));
    this.#delivery.write(address, message_data.get(this.#table, at));
  }

  afterWrite(): void {
    this.#deliverPending();
  }

  read(offset: number, width: AccessWidth): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#byte(offset + i);
    return value;
  }

  /** PCI 3.0 §6.8.2: only aligned dwords (or quadwords, which arrive as two) of the table can be written. */
  write(offset: number, width: AccessWidth, value: number): void {
    if (width !== 4 || offset % 4 !== 0 || offset >= this.#table.byteLength) return;
    this.#table.setUint32(offset, value, true);
    this.#changed();
    this.#deliverPending();
  }

  #byte(offset: number): number {
    if (offset < this.#table.byteLength) return this.#table.getUint8(offset);
    return this.#pending[offset - this.pbaOffset] ?? 0;
  }

  #setPending(vector: number, pending: boolean): void {
    const bit = 1 << (vector & 7);
    const byte = this.#pending[vector >> 3] ?? 0;
    this.#pending[vector >> 3] = pending ? byte | bit : byte & ~bit;
  }

  #deliverPending(): void {
    if (!this.enabled) return;
    this.#pending.forEach((byte, index) => {
      for (let bit = 0; byte >> bit !== 0; bit++) {
        if (((byte >> bit) & 1) !== 0) this.trigger(index * 8 + bit);
      }
    });
  }
}
