import { channel } from 'node:diagnostics_channel';
import type { BackendDescription } from './backend-description.ts';
import { readSpan, writeSpan } from '@vpmem/native';
import { FlushQueue } from './flushes/flush-queue.ts';
import type { Syncer } from './flushes/syncer.ts';

/** Published when the first sync after power-on fails. */
export interface SyncFailedMessage {
  /** The backend's id. */
  readonly id: string;
  readonly error: NodeJS.ErrnoException;
}

/** `node:diagnostics_channel` name for {@link SyncFailedMessage}. */
export const SYNC_FAILED_CHANNEL = 'vpmem:memory-backend:sync-failed';
const syncFailed = channel(SYNC_FAILED_CHANNEL);

/** Published when there is memory that can be flushed, before it is. */
export interface BackendMadeMessage {
  readonly backend: MemoryBackend;
  readonly description: BackendDescription;
}

/** `node:diagnostics_channel` name for {@link BackendMadeMessage}. */
export const BACKEND_MADE_CHANNEL = 'vpmem:memory-backend:made';
const made = channel(BACKEND_MADE_CHANNEL);

/** Memory a device serves, and the queue that makes it durable. */
export class MemoryBackend {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** What to map, and where in it the memory begins. */
  readonly fd: number;
  readonly offset: number;
  readonly flushes: FlushQueue;
  /** Hears what is written by this process, and not through a mapping. Bytes. */
  onWrite: ((start: number, length: number) => void) | undefined;
  /** Hears that the driver is gone, by a reset or with its VM. */
  onReset: (() => void) | undefined;
  readonly #scratch = Buffer.alloc(4);

  constructor(description: BackendDescription, syncer: Syncer) {
    this.id = description.id;
    this.size = description.size;
    this.fd = description.fd;
    this.offset = description.offset;
    this.flushes = new FlushQueue(syncer, (error) => syncFailed.publish({ id: this.id, error } satisfies SyncFailedMessage));
    made.publish({ backend: this, description } satisfies BackendMadeMessage);
  }

  /**
   * Reads an integer of `width` bytes, little-endian. For accesses that do not go through a mapping.
   *
   * @throws NodeJS.ErrnoException, SystemError where the host cannot
   */
  read(offset: number, width: 1 | 2 | 4): number {
    this.#scratch.fill(0);
    readSpan(this, offset, this.#scratch.subarray(0, width));
    return this.#scratch.readUIntLE(0, width);
  }

  /** Writes one likewise. @throws NodeJS.ErrnoException, SystemError */
  write(offset: number, width: 1 | 2 | 4, value: number): void {
    this.#scratch.writeUInt32LE(value >>> 0);
    writeSpan(this, offset, this.#scratch.subarray(0, width));
    this.onWrite?.(offset, width);
  }
}
