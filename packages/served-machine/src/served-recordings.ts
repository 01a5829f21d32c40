import { checkMark, checkRecordable, nothingRecorded, recordingOrder, type BackendStore, type RecordingControl, type RecordingInfo, type RecordRequest } from '@vpmem/machine';
import type { DeviceThreadHandle } from './device-thread-handle.ts';
import type { ServedDevices } from './served-devices.ts';

/** Recordings of devices that are served to VMs. */
export class ServedRecordings implements RecordingControl {
  readonly #devices: ServedDevices;
  readonly #backends: BackendStore;
  readonly #thread: DeviceThreadHandle;

  constructor(devices: ServedDevices, backends: BackendStore, thread: DeviceThreadHandle) {
    this.#devices = devices;
    this.#backends = backends;
    this.#thread = thread;
  }

  async begin(device: string, request: RecordRequest): Promise<void> {
    const { id, memdev } = this.#devices.find(device);
    await this.#thread.request({ type: 'begin-recording', id, order: recordingOrder(id, this.#backends.used(memdev), request) });
  }

  async end(device: string): Promise<RecordingInfo> {
    const { id, memdev } = this.#devices.find(device);
    checkRecordable(id, this.#backends.used(memdev));
    return await this.#thread.endRecording(id);
  }

  async mark(text: string, device?: string): Promise<number> {
    checkMark(text);
    const id = device === undefined ? undefined : this.#devices.find(device).id;
    const marked = await this.#thread.mark(text, id);
    if (marked === 0) throw nothingRecorded();
    return marked;
  }
}
