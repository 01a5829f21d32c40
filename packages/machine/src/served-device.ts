import { MemoryBackend, volatileSyncer, type SyncPool } from '@vpmem/memory-backend';
import type { EventLoop } from '@vpmem/native';
import { VfioUserServer } from '@vpmem/vfio-user';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import type { DeviceDescription, DeviceStatus } from './device-messages.ts';

/** A client has the device. */
export class DeviceBusy extends Error {}

/** A virtio-pmem-pci device from its file to its socket. */
export class ServedDevice {
  readonly id: string;
  readonly backend: MemoryBackend;
  readonly device: VirtioPmem;
  readonly server: VfioUserServer;
  readonly #pci: VirtioPciFunction;

  constructor(description: DeviceDescription, loop: EventLoop, pool: SyncPool) {
    const { id, backend, vectors, eventIndex, indirectDescriptors, listener } = description;
    this.id = id;
    const syncer = backend.volatile === undefined ? pool.syncer(backend.fd) : volatileSyncer(loop.defer);
    this.backend = new MemoryBackend(backend, syncer);
    this.device = new VirtioPmem(this.backend);
    this.#pci = new VirtioPciFunction(this.device, { vectors, eventIndex, indirectDescriptors });
    this.server = new VfioUserServer(this.#pci, listener, loop);
  }

  get status(): DeviceStatus {
    const { stats, inFlight, failure, latency } = this.backend.flushes;
    return {
      id: this.id,
      connected: this.server.busy,
      deviceStatus: this.#pci.deviceStatus,
      rangeAddress: this.#pci.rangeAddress,
      flushes: { ...stats },
      flushesInFlight: inFlight,
      latency,
      failure: failure?.message,
    };
  }

  /** Makes everything written so far durable, which answers every flush that waits, and hangs up; `done` is called after. */
  stop(done: () => void): void {
    this.backend.flushes.request(() => {
      this.server.close();
      done();
    });
    this.backend.flushes.start();
  }
}
