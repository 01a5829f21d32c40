import { RegisterBlock, type Registers } from '@vpmem/layout';
import type { MemoryBackend } from '@vpmem/memory-backend';
import type { ActiveDriver, ActiveQueue, ConfigSpace, DescriptorChain, RegionLocator, SharedMemoryRegion, VirtioDevice } from '@vpmem/virtio';
import {
  RET_FAILURE,
  RET_SUCCESS,
  VIRTIO_ID_PMEM,
  VIRTIO_PMEM_F_SHMEM_REGION,
  VIRTIO_PMEM_REQ_TYPE_FLUSH,
  VIRTIO_PMEM_SHMEM_REGION_ID,
  VirtioPmemConfig,
  VirtioPmemReq,
  VirtioPmemResp,
} from './pmem-layout.ts';

/** Sizes Linux can use: its pmem driver works in sections of 2 MiB. */
export const PMEM_ALIGNMENT = 2 * 2 ** 20;

/** As many flushes as QEMU's device lets a driver have in flight. */
const QUEUE_SIZE = 128;

/** No address a range of this size could have: a driver that maps it is refused by its own platform. */
const NOWHERE = 2n ** 64n;

const SUCCESS = VirtioPmemResp.encode({ ret: RET_SUCCESS });
const FAILURE = VirtioPmemResp.encode({ ret: RET_FAILURE });

/** Where the memory is. */
export interface PmemPlacement {
  /**
   * Guest-physical address of memory that the platform has put there, as QEMU's device has it; the configuration says so,
   * and SHMEM_REGION is not offered. Absent: the memory is a shared memory region, and lies where its transport puts it.
   */
  readonly address?: bigint;
}

/** VIRTIO 1.4 §5.19: memory that a guest maps, and one queue on which it asks for what it wrote to become durable. */
export class VirtioPmem implements VirtioDevice {
  readonly deviceId = VIRTIO_ID_PMEM;
  readonly features: bigint;
  readonly queueSizes = [QUEUE_SIZE];
  readonly sharedMemory: readonly SharedMemoryRegion[];
  readonly #backend: MemoryBackend;
  readonly #address: bigint | undefined;
  /** The request that is looked at. */
  readonly #request = new Uint8Array(VirtioPmemReq.size);
  readonly #requestView = new DataView(this.#request.buffer);
  #driver: ActiveDriver | undefined;

  constructor(backend: MemoryBackend, { address }: PmemPlacement = {}) {
    this.#backend = backend;
    this.#address = address;
    this.features = address === undefined ? VIRTIO_PMEM_F_SHMEM_REGION : 0n;
    this.sharedMemory = address === undefined ? [regionOf(backend)] : [];
  }

  /** VIRTIO 1.4 §5.19.5.1: zeroes for a driver that takes the shared memory region, the range's address for any other. */
  config(accepted: bigint, locate: RegionLocator): ConfigSpace {
    const size = BigInt(this.#backend.size);
    if (this.#address !== undefined) return new RegisterBlock(VirtioPmemConfig, Object.freeze({ start: this.#address, size }));
    const config: Registers<typeof VirtioPmemConfig> =
      (accepted & VIRTIO_PMEM_F_SHMEM_REGION) !== 0n
        ? Object.freeze({ start: 0n, size: 0n })
        : Object.freeze({
            get start() {
              return locate(VIRTIO_PMEM_SHMEM_REGION_ID) ?? NOWHERE - size;
            },
            size,
          });
    return new RegisterBlock(VirtioPmemConfig, config);
  }

  plugged(): void {
    this.#backend.flushes.powerOn();
  }

  activate(driver: ActiveDriver): void {
    this.#driver = driver;
  }

  continued(driver: ActiveDriver): void {
    // Its requests are in the ring, and taken again.
    if (this.#driver !== undefined) this.#backend.flushes.cancel(this, () => undefined);
    this.#driver = driver;
  }

  notified(): void {
    const queue = this.#driver?.queues[0];
    if (queue === undefined) return;
    queue.drain((chain) => this.#take(queue, chain), () => {
      this.#backend.flushes.start();
      // Requests that could be answered at once, because they made no sense or nothing can become durable any more.
      queue.notify();
    });
  }

  resetQueue(_: number, done: () => void): void {
    this.#backend.flushes.cancel(this, done);
  }

  deactivate(done: () => void): void {
    if (this.#driver !== undefined) this.#backend.onReset?.();
    this.#driver = undefined;
    this.#backend.flushes.cancel(this, done);
  }

  /** VIRTIO 1.4 §5.19.6: one request, one response, however they are cut into descriptors. */
  #take(queue: ActiveQueue, chain: DescriptorChain): void {
    const { head } = chain;
    const response = chain.writablePrefix(VirtioPmemResp.size);
    if (response === undefined && chain.unreachable === undefined) return queue.complete(head, 0);
    const answer = (durable: boolean): void => {
      if (response !== undefined && queue.respond(response, durable ? SUCCESS : FAILURE)) return queue.complete(head, VirtioPmemResp.size);
      // The response lies in RAM that is not shared. A driver may take what it finds there for success, so it gets its buffer
      // back only where that is true; another would wait for ever.
      if (durable) queue.complete(head, 0);
      else queue.giveUp();
    };
    if (!this.#isFlush(chain)) return answer(false);
    this.#backend.flushes.request((durable, last) => {
      answer(durable);
      if (last) queue.notify();
    }, this);
  }

  /**
   * The specification leaves other types and short requests open; failing them is the only answer it has a code for. One that
   * cannot be read, because its RAM is not shared, is taken for the only type there is.
   */
  #isFlush(chain: DescriptorChain): boolean {
    const memory = this.#driver?.memory;
    const isRead = memory !== undefined && chain.unreachable === undefined && chain.gather(memory, this.#request);
    if (!isRead) return chain.unreachable !== undefined;
    return VirtioPmemReq.fields.type.get(this.#requestView, 0) === VIRTIO_PMEM_REQ_TYPE_FLUSH;
  }
}

function regionOf(backend: MemoryBackend): SharedMemoryRegion {
  return {
    id: VIRTIO_PMEM_SHMEM_REGION_ID,
    size: backend.size,
    fd: backend.fd,
    offset: backend.offset,
    read: (offset, width) => backend.read(offset, width),
    write: (offset, width, value) => backend.write(offset, width, value),
  };
}
