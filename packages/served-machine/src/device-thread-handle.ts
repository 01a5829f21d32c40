import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { MachineError, type PowerCutOrder, type RecordingInfo } from '@vpmem/machine';
import { threadProgram } from '@vpmem/memory-backend';
import { EventFd } from '@vpmem/native';
import type { PowerCutReport } from '@vpmem/simulated-medium';
import type { DeviceEvent, DeviceReply, DeviceRequest, DeviceStatus, DeviceThreadData, SavedThread, SharedStore } from './device-messages.ts';

/**
 * MiB for what the device thread's devices have just made, all but a little of it garbage soon. Left to itself V8 lets that grow to 48,
 * and keeps it: 256 devices had 110 KiB each, with this they have 92. It is no limit that could end the thread: what stays moves out of it.
 */
const YOUNG_MIB = 4;

/** What cannot be asked for while another process takes over: it would not hear of it. */
const CHANGING: readonly DeviceRequest['type'][] = ['remove', 'retire', 'power-cut', 'flush-fault', 'flush-limit', 'begin-recording', 'end-recording', 'mark'];

interface Pending {
  readonly resolve: (reply: DeviceReply & { type: 'done' }) => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's end of the device thread. */
export class DeviceThreadHandle {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #wake = new EventFd();
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #nextRequest = 0;
  /** Between `suspend` and `proceed`. */
  #suspended = false;

  /** `onFailure` hears of the thread's death, which takes every device with it. */
  constructor(onEvent: (event: DeviceEvent) => void, onFailure: (error: Error) => void, store?: SharedStore) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: DeviceThreadData = { port: port2, wakeFd: this.#wake.fd, store };
    this.#worker = new Worker(threadProgram('device-thread', import.meta.url), { workerData, transferList: [port2], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
    this.#port.on('message', (message: DeviceReply) => this.#received(message, onEvent));
    this.#worker.on('error', (error: Error) => {
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      onFailure(error);
    });
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    process.once('exit', this.#processExits);
  }

  /** node joins its threads when it exits, and nothing but an event ends this one's wait. */
  readonly #processExits = (): void => {
    void this.request({ type: 'quit' });
  };

  /** Asks the device thread to do something; settles when it has. @throws MachineError */
  async request(body: DeviceRequest): Promise<readonly DeviceStatus[]> {
    return (await this.#ask(body)).devices;
  }

  /** Cuts the power of a device, now or at a flush to come; in the first case says what was lost. @throws MachineError */
  async cutPower(id: string, order: PowerCutOrder): Promise<PowerCutReport | undefined> {
    return (await this.#ask({ type: 'power-cut', id, order })).cut;
  }

  /** Ends the recording of a device, and says what is in it. @throws MachineError */
  async endRecording(id: string): Promise<RecordingInfo> {
    const { recording } = await this.#ask({ type: 'end-recording', id });
    if (recording === undefined) throw new TypeError('a recording ended, and nothing was told of it');
    return recording;
  }

  /** Puts a mark into the recording of one device, or of all; returns how many have it. @throws MachineError */
  async mark(text: string, id: string | undefined): Promise<number> {
    return (await this.#ask({ type: 'mark', text, id })).marked ?? 0;
  }

  /** The VM that had the devices has ended: whether it was for lack of power. Settles when no power is being cut. @throws MachineError */
  async releaseVm(): Promise<boolean> {
    return (await this.#ask({ type: 'release-vm' })).powerOff ?? false;
  }

  /** What outlives this process from now on: before there is a device. @throws MachineError */
  async keep(store: SharedStore): Promise<void> {
    await this.#ask({ type: 'keep', store });
  }

  /** All devices as they are, after `suspend`. The descriptors stay the thread's. @throws MachineError */
  async save(): Promise<SavedThread> {
    const { saved } = await this.#ask({ type: 'save' });
    if (saved === undefined) throw new TypeError('devices were saved, and nothing was told of them');
    return saved;
  }

  #ask(body: DeviceRequest): Promise<DeviceReply & { type: 'done' }> {
    if (CHANGING.includes(body.type)) this.checkServing();
    if (body.type === 'suspend' || body.type === 'proceed') this.#suspended = body.type === 'suspend';
    const request = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      this.#port.postMessage({ request, body });
      this.#wake.signal();
    });
  }

  /** @throws MachineError while everything is being handed over to another process */
  checkServing(): void {
    if (this.#suspended) throw new MachineError('machine-state', undefined, 'another process is just taking over; ask again, and it answers');
  }

  /** Ends the thread as it is: nothing is made durable, nobody is told. */
  async quit(): Promise<void> {
    void this.request({ type: 'quit' });
    await this.#ended;
    this.#close();
  }

  /** Makes everything durable, hangs up on every client and ends the thread. */
  async stop(): Promise<void> {
    await this.request({ type: 'stop' });
    await this.#ended;
    this.#close();
  }

  #close(): void {
    process.off('exit', this.#processExits);
    this.#port.close();
    this.#wake.close();
  }

  #received(message: DeviceReply, onEvent: (event: DeviceEvent) => void): void {
    if (message.type === 'event') return onEvent(message.event);
    const pending = this.#pending.get(message.request);
    this.#pending.delete(message.request);
    if (message.type === 'done') pending?.resolve(message);
    else pending?.reject(new MachineError(message.code, undefined, message.message));
  }
}
