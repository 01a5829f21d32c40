import {
  flushFault, flushLimit, powerCutOrder, type BackendStore, type FailureControl, type FlushFaultRequest, type FlushLimitRequest,
  type PowerCutRequest,
} from '@vpmem/machine';
import type { PowerCutReport } from '@vpmem/simulated-medium';
import type { DeviceThreadHandle } from './device-thread-handle.ts';
import type { ServedDevices } from './served-devices.ts';

/** What can be made to go wrong with devices that are served to VMs. */
export class ServedFailures implements FailureControl {
  readonly #devices: ServedDevices;
  readonly #backends: BackendStore;
  readonly #thread: DeviceThreadHandle;

  constructor(devices: ServedDevices, backends: BackendStore, thread: DeviceThreadHandle) {
    this.#devices = devices;
    this.#backends = backends;
    this.#thread = thread;
  }

  /** The VM is hung up on; whoever connects next finds what is left. */
  async powerCut(device: string, request: PowerCutRequest): Promise<PowerCutReport | undefined> {
    const { id, memdev } = this.#devices.find(device);
    return this.#thread.cutPower(id, powerCutOrder(id, this.#backends.used(memdev), request));
  }

  async flushLimit(device: string, request: FlushLimitRequest): Promise<void> {
    const { id } = this.#devices.find(device);
    await this.#thread.request({ type: 'flush-limit', id, limit: flushLimit(request) });
  }

  async flushFault(device: string, request: FlushFaultRequest): Promise<void> {
    const { id } = this.#devices.find(device);
    await this.#thread.request({ type: 'flush-fault', id, fault: flushFault(request) });
  }
}
