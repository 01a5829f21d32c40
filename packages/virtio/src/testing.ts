import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import type { DriverError } from './active-queue.ts';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK } from './device-status.ts';
import { DriverQueue } from './driver-queue.ts';
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_VERSION_1 } from './features.ts';
import { VirtioController } from './virtio-controller.ts';
import type { VirtioDevice } from './virtio-device.ts';
import type { VirtioTransport } from './virtio-transport.ts';

/** A transport that writes down what the device asked of it. */
export class RecordingTransport implements VirtioTransport {
  readonly memory: GuestMemory;
  readonly queueInterrupts: number[] = [];
  readonly errors: DriverError[] = [];
  readonly deferred: (() => void)[] = [];
  configInterrupts = 0;
  resets = 0;
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
  driverFailed(error: DriverError): void {
    this.errors.push(error);
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

export function testBench(device: VirtioDevice, ramSize = 0x10_0000): TestBench {
  const memory = new GuestMemory();
  memory.add({ start: 0, size: ramSize, writable: true, backing: bufferBacking(new ArrayBuffer(ramSize)) });
  const transport = new RecordingTransport(memory);
  return { memory, transport, controller: new VirtioController(device, transport) };
}

/**
 * VIRTIO 1.4 §3.1.1 with queue 0 at `base`, as a well-behaved driver does it. `features` are accepted besides VERSION_1.
 */
export function bringUp(bench: TestBench, options: { features?: bigint; size?: number; base?: number } = {}): DriverQueue {
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
  const placement = DriverQueue.place(options.base ?? 0x1000, registers.size);
  const queue = new DriverQueue(memory, placement, { size: registers.size, eventIndex: (features & VIRTIO_F_EVENT_IDX) !== 0n });
  registers.desc = BigInt(placement.desc);
  registers.driver = BigInt(placement.driver);
  registers.device = BigInt(placement.device);
  controller.enableQueue(0);
  controller.status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
  return queue;
}
