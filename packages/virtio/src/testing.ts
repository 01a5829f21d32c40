import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import type { DriverError } from './rings/active-queue.ts';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK } from './device-status.ts';
import { createDriverQueue } from './driver/create-driver-queue.ts';
import { DriverQueue } from './driver/driver-queue.ts';
import type { DriverVirtqueue } from './driver/driver-virtqueue.ts';
import { VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1 } from './features.ts';
import type { QueueFeatures } from './rings/queue-features.ts';
import type { UnsharedError } from './unshared-error.ts';
import { VirtioController } from './virtio-controller.ts';
import type { VirtioDevice } from './virtio-device.ts';
import type { VirtioTransport } from './virtio-transport.ts';

export { EchoDevice } from './testing/echo-device.ts';
export { tracedMemory, type TracedAccess, type TracedMemory } from './testing/traced-memory.ts';

/** Both ring formats, by name and feature bits: a test of what a queue does goes over them. */
export const QUEUE_FORMATS = [
  ['split', 0n],
  ['packed', VIRTIO_F_RING_PACKED],
] as const;

/** A transport that writes down what the device asked of it. */
export class RecordingTransport implements VirtioTransport {
  readonly memory: GuestMemory;
  readonly queueInterrupts: number[] = [];
  readonly errors: DriverError[] = [];
  readonly unreached: UnsharedError[] = [];
  readonly deferred: (() => void)[] = [];
  configInterrupts = 0;
  resets = 0;
  readonly queueResets: number[] = [];
  regionAddress: bigint | undefined = 0x1_0000_0000n;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  queueInterrupt(queue: number): void {
    this.queueInterrupts.push(queue);
  }
  configInterrupt(): void {
    this.configInterrupts++;
  }
  wasReset(): void {
    this.resets++;
  }
  queueWasReset(queue: number): void {
    this.queueResets.push(queue);
  }
  driverFailed(error: DriverError): void {
    this.errors.push(error);
  }
  unreachable(error: UnsharedError): void {
    this.unreached.push(error);
  }
  readonly defer = (callback: () => void): void => {
    this.deferred.push(callback);
  };
  readonly locate = (): bigint | undefined => this.regionAddress;
}

/** A device, a transport and a driver with `ramSize` bytes of RAM at address 0, not yet brought up. */
export interface TestBench {
  readonly memory: GuestMemory;
  readonly transport: RecordingTransport;
  readonly controller: VirtioController;
}

/** Plugs a device in, with RAM that is a buffer; nothing is brought up yet. */
export function testBench(device: VirtioDevice, features: QueueFeatures = {}, ramSize = 0x10_0000): TestBench {
  const memory = new GuestMemory();
  memory.add({ start: 0, size: ramSize, writable: true, backing: bufferBacking(new ArrayBuffer(ramSize)) });
  const transport = new RecordingTransport(memory);
  return { memory, transport, controller: new VirtioController(device, transport, features) };
}

/** RAM beside the first, which its owner can keep to itself; what is in it stays. */
export interface LateRam {
  readonly bytes: Uint8Array;
  share(): void;
  hide(): void;
}

/** Plugs in `size` bytes of RAM at `start`, shared at first. */
export function lateRam({ memory }: TestBench, start: number, size: number): LateRam {
  const buffer = new ArrayBuffer(size);
  const plug = (unshared: boolean): void => {
    memory.remove(start, size);
    memory.add({ start, size, writable: true, ...(unshared ? { unshared } : { backing: bufferBacking(buffer) }) });
  };
  plug(false);
  return { bytes: new Uint8Array(buffer), share: () => plug(false), hide: () => plug(true) };
}

/** How {@link bringUp} and {@link bringUpQueue} do it. */
export interface BringUpOptions {
  /** Accepted besides VERSION_1. */
  readonly features?: bigint;
  /** Of queue 0; the largest by default. */
  readonly size?: number;
  /** Where queue 0 begins. */
  readonly base?: number;
}

/** VIRTIO 1.4 §3.1.1 with queue 0, in the format negotiated, as a well-behaved driver does it. */
export function bringUpQueue(bench: TestBench, options: BringUpOptions = {}): DriverVirtqueue {
  const { controller, memory } = bench;
  const features = VIRTIO_F_VERSION_1 | (options.features ?? 0n);
  controller.status = 0;
  controller.status = ACKNOWLEDGE;
  controller.status = ACKNOWLEDGE | DRIVER;
  controller.accepted = features;
  controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  const registers = controller.queue(0);
  if ((controller.status & FEATURES_OK) === 0 || registers === undefined) throw new Error('the device refused the features');
  registers.size = options.size ?? registers.size;
  const queue = createDriverQueue(memory, features, options.base ?? 0x1000, registers.size);
  registers.desc = BigInt(queue.placement.desc);
  registers.driver = BigInt(queue.placement.driver);
  registers.device = BigInt(queue.placement.device);
  controller.enableQueue(0);
  controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
  return queue;
}

/** The same with a split queue, which can then be broken at will. */
export function bringUp(bench: TestBench, options: BringUpOptions = {}): DriverQueue {
  const queue = bringUpQueue(bench, options);
  if (!(queue instanceof DriverQueue)) throw new TypeError('for a packed queue there is bringUpQueue');
  return queue;
}
