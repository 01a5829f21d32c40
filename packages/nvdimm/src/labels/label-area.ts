import type { MemoryBackend } from '@vpmem/memory-backend';
import { readSync, writeSync } from 'node:fs';

/** The label area of an NVDIMM, wherever its bytes are. Offsets and lengths in bytes, always within `size`. */
export interface LabelArea {
  readonly size: number;
  /** False: what is written is refused. */
  readonly writable: boolean;
  /** @throws Error if the storage fails */
  read(offset: number, length: number): Uint8Array;
  /** @throws Error if the storage fails */
  write(offset: number, bytes: Uint8Array): void;
}

/** What a label area lies in: a memory backend, or any open file. */
export type LabelStorage = Pick<MemoryBackend, 'fd' | 'offset'> & Partial<Pick<MemoryBackend, 'onWrite'>>;

/** A label area at a place of a backend. It reaches what the guest's memory lies in, so it is as durable as a store is. */
export class BackendLabelArea implements LabelArea {
  readonly size: number;
  readonly writable: boolean;
  readonly #storage: LabelStorage;
  readonly #start: number;

  constructor(storage: LabelStorage, { start, size, writable }: { readonly start: number; readonly size: number; readonly writable: boolean }) {
    this.#storage = storage;
    this.#start = storage.offset + start;
    this.size = size;
    this.writable = writable;
  }

  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    const bytes = new Uint8Array(length);
    const got = length === 0 ? 0 : readSync(this.#storage.fd, bytes, 0, length, this.#start + offset);
    if (got !== length) throw new Error(`label area: read ${got} of ${length} bytes at ${offset}; the backend has become shorter`);
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    if (!this.writable) throw new RangeError('label area: it is read-only');
    if (bytes.length === 0) return;
    const put = writeSync(this.#storage.fd, bytes, 0, bytes.length, this.#start + offset);
    this.#storage.onWrite?.(this.#start - this.#storage.offset + offset, bytes.length);
    if (put !== bytes.length) throw new Error(`label area: wrote ${put} of ${bytes.length} bytes at ${offset}`);
  }

  #check(offset: number, length: number): void {
    if (offset >= 0 && offset + length <= this.size) return;
    throw new RangeError(`label area: [${offset}, +${length}) is not within its ${this.size} bytes`);
  }
}
