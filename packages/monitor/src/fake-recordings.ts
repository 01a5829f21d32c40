import { MachineError, type RecordRequest, type RecordingControl, type RecordingInfo } from '@vpmem/machine';

/** Recordings that hold marks, and three flushes each. */
export class FakeRecordings implements RecordingControl {
  /** Why the recordings that end are incomplete. */
  incomplete: string | undefined;
  readonly #calls: string[];
  readonly #known: (device: string) => void;
  readonly #going = new Map<string, { readonly file: string; marks: number }>();

  /** @param calls what is done is added to it @param known throws if there is no such device */
  constructor(calls: string[], known: (device: string) => void) {
    this.#calls = calls;
    this.#known = known;
  }

  async begin(device: string, request: RecordRequest): Promise<void> {
    await Promise.resolve();
    this.#known(device);
    if (this.#going.has(device)) throw new MachineError('recording', 'file', `device '${device}' is being recorded already`);
    this.#calls.push(`record ${device} ${JSON.stringify(request)}`);
    this.#going.set(device, { file: request.file, marks: 0 });
  }

  async end(device: string): Promise<RecordingInfo> {
    await Promise.resolve();
    const { file, marks } = this.#find(device);
    this.#calls.push(`endRecording ${device}`);
    this.#going.delete(device);
    return { file, flushes: 3, marks, bytes: 4096, incomplete: this.incomplete };
  }

  async mark(text: string, device?: string): Promise<number> {
    await Promise.resolve();
    const marked = device === undefined ? [...this.#going.values()] : [this.#find(device)];
    if (marked.length === 0) throw new MachineError('recording', undefined, 'nothing is being recorded');
    this.#calls.push(`mark ${JSON.stringify(text)}${device === undefined ? '' : ` ${device}`}`);
    for (const recording of marked) recording.marks++;
    return marked.length;
  }

  #find(device: string): { readonly file: string; marks: number } {
    this.#known(device);
    const recording = this.#going.get(device);
    if (recording === undefined) throw new MachineError('recording', undefined, `device '${device}' is not being recorded`);
    return recording;
  }
}
