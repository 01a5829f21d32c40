import { channel } from 'node:diagnostics_channel';
import { GuestMemory } from '@vpmem/guest-memory';
import { RegisterBlock, savedHex, SavedObject, type AccessWidth } from '@vpmem/layout';
import { Msix, PciEndpoint, type Bar, type BarHandler, type FunctionState, type PciFunction, type PciHost, type PolledFunction } from '@vpmem/pci';
import {
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VirtioController,
  type DriverError,
  type QueueFeatures,
  type VirtioDevice,
  type VirtioTransport,
} from '@vpmem/virtio';
import { CommonConfig, notificationConfigData, VirtioPciCommonCfg } from './common-config.ts';
import { ConfigAccess } from './config-access.ts';
import {
  COMMON_AT,
  DEVICE_AT,
  ISR_AT,
  MSIX_BAR,
  NOTIFY_AT,
  NOTIFY_MULTIPLIER,
  PAGE,
  registerBar,
  SHARED_MEMORY_BAR,
  sharedMemoryBar,
  sharedMemoryCapability,
  structureCapabilities,
  STRUCTURES_SIZE,
} from './function-layout.ts';
import { ISR_CONFIG, ISR_QUEUE, IsrStatus } from './isr-status.ts';
import type { VirtioPciState } from './virtio-pci-state.ts';

/** VIRTIO 1.4 §4.1.2: identity of a non-transitional function. */
const VIRTIO_VENDOR = 0x1af4;
const FIRST_DEVICE_ID = 0x1040;
const REVISION = 1;
/** "Does not fit any defined class", as QEMU has it for virtio-pmem and virtio-rng. */
const CLASS_OTHER = 0x00ff00;

const STATUS_AT = VirtioPciCommonCfg.fields.device_status.offset;

/** Published when a device asks for a reset, or cannot reach RAM that is not shared with it. */
export interface DriverErrorMessage {
  readonly device: VirtioDevice;
  readonly error: DriverError;
  /** False where the device goes on. */
  readonly needsReset: boolean;
}

/** `node:diagnostics_channel` name for {@link DriverErrorMessage}. */
export const DRIVER_ERROR_CHANNEL = 'vpmem:virtio:driver-error';
const driverErrors = channel(DRIVER_ERROR_CHANNEL);

/** What can be chosen for a function, whatever its device. */
export interface VirtioPciOptions extends QueueFeatures {
  /** Size of the MSI-X table, 1 to 2048; with 0 the function interrupts by INTA instead. Default 2. */
  readonly vectors?: number;
  /** PCI class code, 24 bits: base class, sub-class, programming interface. Default 0x00ff00: none of those that PCI knows. */
  readonly classCode?: number;
  /** Goes around the serving of each notification, and has to call `serve` once; for whoever counts them. */
  readonly aroundNotification?: (serve: () => void) => void;
}

/** VIRTIO 1.4 §4.1: a virtio device as one PCI function. */
export class VirtioPciFunction implements PciFunction {
  readonly #endpoint: PciEndpoint;
  readonly #controller: VirtioController;
  readonly #common: CommonConfig;
  readonly #commonBlock: RegisterBlock<(typeof VirtioPciCommonCfg)['members']>;
  readonly #noMemory = new GuestMemory();
  readonly #aroundNotification: (serve: () => void) => void;
  readonly #isr = new IsrStatus(() => this.#endpoint);
  #rangeAddress: bigint | undefined;

  constructor(device: VirtioDevice, options: VirtioPciOptions = {}) {
    const vectors = options.vectors ?? 2;
    this.#aroundNotification = options.aroundNotification ?? ((serve) => serve());
    const memory = (): GuestMemory => this.#endpoint.host?.memory ?? this.#noMemory;
    const progress = (): Int32Array | undefined => this.#endpoint.host?.progress;
    const transport: VirtioTransport = {
      get memory(): GuestMemory {
        return memory();
      },
      get progress(): Int32Array | undefined {
        return progress();
      },
      queueInterrupt: (queue) => {
        this.#isr.raise(ISR_QUEUE, this.#common.queueVector(queue));
        // Who waited for it may have the next request.
        this.#endpoint.host?.poll?.();
      },
      configInterrupt: () => this.#isr.raise(ISR_CONFIG, this.#common.config_msix_vector),
      changed: () => this.#changed(),
      wasReset: () => this.#wasReset(),
      queueWasReset: (queue) => this.#common.resetQueueVector(queue),
      defer: (callback) => (this.#endpoint.host?.defer ?? setImmediate)(callback),
      locate: () => this.#endpoint.barAddress(SHARED_MEMORY_BAR),
      driverFailed: (error) => driverErrors.publish({ device, error, needsReset: true } satisfies DriverErrorMessage),
      unreachable: (error) => driverErrors.publish({ device, error, needsReset: false } satisfies DriverErrorMessage),
    };
    this.#controller = new VirtioController(device, transport, options);
    this.#common = new CommonConfig(this.#controller, vectors);
    this.#commonBlock = new RegisterBlock(VirtioPciCommonCfg, this.#common);

    const msix = vectors === 0 ? undefined : new Msix(vectors, MSIX_BAR);
    const region = device.sharedMemory?.[0];
    const configAccess = new ConfigAccess(() => this.bars);
    this.#endpoint = new PciEndpoint({
      vendorId: VIRTIO_VENDOR,
      deviceId: FIRST_DEVICE_ID + device.deviceId,
      revision: REVISION,
      classCode: options.classCode ?? CLASS_OTHER,
      subsystemVendorId: VIRTIO_VENDOR,
      subsystemId: FIRST_DEVICE_ID + device.deviceId,
      bars: [
        registerBar(STRUCTURES_SIZE, this.#structures),
        msix && registerBar(msix.barSize, msix),
        region && sharedMemoryBar(region),
      ],
      capabilities: [
        ...(msix === undefined ? [] : [msix]),
        ...structureCapabilities(device, this.#controller.configSize),
        configAccess,
        ...(region === undefined ? [] : [sharedMemoryCapability(region)]),
      ],
      intx: vectors === 0,
      onReset: () => {
        configAccess.reset();
        this.#rangeAddress = undefined;
        this.#controller.powerOn();
      },
      onDecodeChange: () => this.#decodeChanged(),
    });
  }

  get configSize(): number {
    return this.#endpoint.configSize;
  }
  get bars(): readonly (Bar | undefined)[] {
    return this.#endpoint.bars;
  }
  get msixVectors(): number {
    return this.#endpoint.msixVectors;
  }
  /** The driver's device status (VIRTIO 1.4 §2.1). */
  get deviceStatus(): number {
    return this.#controller.status;
  }
  /** Where the guest has put the shared memory, if it has. */
  get rangeAddress(): bigint | undefined {
    return this.#endpoint.barAddress(SHARED_MEMORY_BAR);
  }
  get intx(): boolean {
    return this.#endpoint.intx;
  }
  readConfig(offset: number, width: AccessWidth): number {
    return this.#endpoint.readConfig(offset, width);
  }
  writeConfig(offset: number, width: AccessWidth, value: number): void {
    this.#endpoint.writeConfig(offset, width, value);
  }
  attach(host: PciHost): void {
    this.#endpoint.attach(host);
    this.#controller.plugged();
  }
  detach(): void {
    this.#endpoint.detach();
  }
  reset(): void {
    this.#endpoint.reset();
  }

  hold(done: () => void): void {
    this.#controller.continuation.hold(done);
  }

  save(): FunctionState {
    const device: VirtioPciState = {
      ...this.#common.save(),
      isrStatus: this.#isr.bits,
      ...(this.#rangeAddress === undefined ? {} : { rangeAddress: savedHex(this.#rangeAddress) }),
      controller: this.#controller.continuation.save(),
    };
    return { ...this.#endpoint.save(), device };
  }

  restore(state: unknown): void {
    const restoreEndpoint = this.#endpoint.restoring(state);
    const device = new SavedObject(state, 'function').object('device');
    const restoreCommon = this.#common.restoring(device);
    const restoreIsr = this.#isr.restoring(device);
    const rangeAddress = device.has('rangeAddress') ? device.hex('rangeAddress') : undefined;
    const restoreController = this.#controller.continuation.restoring(device.object('controller'));
    restoreEndpoint();
    restoreCommon();
    restoreIsr();
    this.#rangeAddress = rangeAddress;
    restoreController();
  }

  proceed(): void {
    this.#endpoint.repeatIntx();
    this.#controller.continuation.proceed();
    // The driver may have made requests meanwhile, and have been told not to notify.
    this.#endpoint.host?.poll?.();
  }

  /** A request that is found is worth a notification, and counts as one. */
  readonly polled: PolledFunction = {
    begin: () => this.#controller.poll(),
    look: () => {
      if (!this.#controller.available) return false;
      this.#aroundNotification(this.#look);
      return true;
    },
    rest: () => this.#controller.rest(),
  };
  readonly #look = (): void => this.#controller.look();

  /** BAR 0: one page each for the common, ISR, device and notification structures. */
  readonly #structures: BarHandler = {
    read: (offset, width) => {
      const within = offset % PAGE;
      switch (offset - within) {
        case COMMON_AT:
          // A driver looks at the status before it makes a request, as Linux's virtio_pmem does for each flush.
          if (within === STATUS_AT) this.#endpoint.host?.poll?.();
          return this.#commonBlock.read(within, width);
        case ISR_AT:
          return within === 0 ? this.#isr.take() : 0;
        case DEVICE_AT:
          return this.#controller.config.read(within, width);
        default:
          return 0;
      }
    },
    write: (offset, width, value) => {
      const within = offset % PAGE;
      switch (offset - within) {
        case COMMON_AT:
          // VIRTIO 1.4 §3.4.2: while suspended only the status takes writes.
          if (this.#controller.suspended && within !== STATUS_AT) break;
          this.#commonBlock.write(within, width, value);
          this.#changed();
          break;
        case DEVICE_AT:
          this.#controller.config.write(within, width, value);
          break;
        case NOTIFY_AT:
          if (within % NOTIFY_MULTIPLIER === 0) this.#aroundNotification(() => this.#notified(within / NOTIFY_MULTIPLIER, value));
          break;
      }
    },
  };

  /**
   * VIRTIO 1.4 §4.1.5.2: every queue has an address of its own, which says which is meant. A driver that was told what to send
   * is heard only if it sends that; how far it has come (NOTIFICATION_DATA) is in the ring as well.
   */
  #notified(queue: number, value: number): void {
    if (this.#controller.negotiated(VIRTIO_F_NOTIF_CONFIG_DATA) && (value & 0xffff) !== notificationConfigData(queue)) return;
    this.#endpoint.host?.poll?.();
    this.#controller.notify(queue);
  }

  #changed(): void {
    this.#endpoint.host?.changed?.();
  }

  #wasReset(): void {
    this.#common.reset();
    this.#isr.clear();
  }

  /** The range's absolute address is part of the configuration for a driver without SHMEM_REGION. */
  #decodeChanged(): void {
    const address = this.#endpoint.barAddress(SHARED_MEMORY_BAR);
    if (address === this.#rangeAddress) return;
    this.#rangeAddress = address;
    this.#controller.configChanged();
  }
}
