import { checkMark, checkRecordable, MachineError, nothingRecorded, recordingOrder, type RecordingControl, type RecordingInfo, type RecordRequest } from '@vpmem/machine';
import { putMark } from '@vpmem/machine/pmem-backing';
import type { EmbeddedDevices, EmbeddedMemory } from './embedded-devices.ts';

/** Recordings of the devices of a machine whose guest is part of this process. */
export class EmbeddedRecordings implements RecordingControl {
  readonly #devices: EmbeddedDevices;

  constructor(devices: EmbeddedDevices) {
    this.#devices = devices;
  }

  async begin(id: string, request: RecordRequest): Promise<void> {
    const { label, backing } = this.#find(id);
    const order = recordingOrder(label, backing.description, request);
    const error = await new Promise<Error | undefined>((resolve) => backing.beginRecording(order, resolve));
    if (error !== undefined) throw failed(label, error);
  }

  async end(id: string): Promise<RecordingInfo> {
    const { label, backing } = this.#find(id);
    checkRecordable(label, backing.description);
    const outcome = await new Promise<RecordingInfo | Error>((resolve) => backing.endRecording(resolve));
    if (outcome instanceof Error) throw failed(label, outcome);
    return outcome;
  }

  async mark(text: string, id?: string): Promise<number> {
    checkMark(text);
    const devices = id === undefined ? this.#devices.memories : [this.#find(id)];
    const marked = await new Promise<number>((resolve) => putMark(devices, text, resolve));
    if (marked === 0) throw nothingRecorded();
    return marked;
  }

  #find(id: string): EmbeddedMemory {
    const device = this.#devices.find(id);
    if (device.type !== 'pcie-root-port') return device;
    throw new MachineError('not-supported', 'id', `device '${id}' has no memory: there is nothing to record`);
  }
}

function failed(label: string, error: Error): MachineError {
  return new MachineError('recording', 'file', `device '${label}': ${error.message}`, { cause: error });
}
