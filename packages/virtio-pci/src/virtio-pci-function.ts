import { channel } from 'node:diagnostics_channel';
import { GuestMemory } from '@vpmem/guest-memory';
import { RegisterBlock, type AccessWidth } from '@vpmem/layout';
import { Msix, PciEndpoint, type Bar, type BarHandler, type Capability, type PciFunction, type PciHost } from '@vpmem/pci';
import {
  VirtioController,
  type DriverError,
  type QueueFeatures,
  type SharedMemoryRegion,
  type VirtioDevice,
  type VirtioTransport,
} from '@vpmem/virtio';
import { CommonConfig, VIRTIO_MSI_NO_VECTOR, VirtioPciCommonCfg } from './common-config.ts';
import { ConfigAccess } from './config-access.ts';
import {
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  virtioCapability,
  VirtioPciCap,
  VirtioPciCap64,
  VirtioPciNotifyCap,
} from './virtio-pci-capabilities.ts';

/** VIRTIO 1.4 §4.1.2: identity of a non-transitional function. */
const VIRTIO_VENDOR = 0x1af4;
const FIRST_DEVICE_ID = 0x1040;
const REVISION = 1;
/** "Does not fit any defined class", as QEMU has it for virtio-pmem. */
const CLASS_OTHER = 0x00ff00;

/** Which BAR holds what. */
const STRUCTURES_BAR = 0;
const MSIX_BAR = 1;
const SHARED_MEMORY_BAR = 2;

/** Where the structures are in their BAR: a page each. */
const COMMON_AT = 0x0000;
const ISR_AT = 0x1000;
const DEVICE_AT = 0x2000;
const NOTIFY_AT = 0x3000;
const STRUCTURES_SIZE = 0x4000;
const PAGE = 0x1000;
/** VIRTIO 1.4 §4.1.4.4.1: 4 satisfies every reading of "an even power of 2". */
const NOTIFY_MULTIPLIER = 4;

/** VIRTIO 1.4 §4.1.4.5: bits of the ISR status. */
const ISR_QUEUE = 1;
const ISR_CONFIG = 2;

const TWO_32 = 2 ** 32;

/** Published when a driver's mistake makes a device ask for a reset. */
export interface DriverErrorMessage {
  readonly device: VirtioDevice;
  readonly error: DriverError;
}

/** `node:diagnostics_channel` name for {@link DriverErrorMessage}. */
export const DRIVER_ERROR_CHANNEL = 'vpmem:virtio:driver-error';
const driverErrors = channel(DRIVER_ERROR_CHANNEL);

/** What can be chosen for a function, whatever its device. */
export interface VirtioPciOptions extends QueueFeatures {
  /** Size of the MSI-X table, 1 to 2048; with 0 the function interrupts by INTA instead. Default 2. */
  readonly vectors?: number;
}

/** VIRTIO 1.4 §4.1: a virtio device as one PCI function. */
export class VirtioPciFunction implements PciFunction {
  readonly #endpoint: PciEndpoint;
  readonly #controller: VirtioController;
  readonly #common: CommonConfig;
  readonly #commonBlock: RegisterBlock<(typeof VirtioPciCommonCfg)['members']>;
  readonly #noMemory = new GuestMemory();
  #isr = 0;
  #rangeAddress: bigint | undefined;

  constructor(device: VirtioDevice, options: VirtioPciOptions = {}) {
    const vectors = options.vectors ?? 2;
    const memory = (): GuestMemory => this.#endpoint.host?.memory ?? this.#noMemory;
    const transport: VirtioTransport = {
      get memory(): GuestMemory {
        return memory();
      },
      queueInterrupt: (queue) => this.#interrupt(ISR_QUEUE, this.#common.queueVector(queue)),
      configInterrupt: () => this.#interrupt(ISR_CONFIG, this.#common.config_msix_vector),
      wasReset: () => this.#wasReset(),
      defer: (callback) => (this.#endpoint.host?.defer ?? setImmediate)(callback),
      expect: (look, microseconds) => this.#endpoint.host?.expect?.(look, microseconds),
      locate: () => this.#endpoint.barAddress(SHARED_MEMORY_BAR),
      driverFailed: (error) => driverErrors.publish({ device, error } satisfies DriverErrorMessage),
    };
    this.#controller = new VirtioController(device, transport, options);
    this.#common = new CommonConfig(this.#controller, vectors);
    this.#commonBlock = new RegisterBlock(VirtioPciCommonCfg, this.#common);

    const msix = vectors === 0 ? undefined : new Msix(vectors, MSIX_BAR);
    const region = device.sharedMemory[0];
    const configAccess = new ConfigAccess(() => this.bars);
    this.#endpoint = new PciEndpoint({
      vendorId: VIRTIO_VENDOR,
      deviceId: FIRST_DEVICE_ID + device.deviceId,
      revision: REVISION,
      classCode: CLASS_OTHER,
      subsystemVendorId: VIRTIO_VENDOR,
      subsystemId: FIRST_DEVICE_ID + device.deviceId,
      bars: [
        registerBar(STRUCTURES_SIZE, this.#structures),
        msix && registerBar(msix.barSize, msix),
        region && sharedMemoryBar(region),
      ],
      capabilities: [
        ...(msix === undefined ? [] : [msix]),
        ...structureCapabilities(device, this.#controller.config.size),
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

  /** BAR 0: one page each for the common, ISR, device and notification structures. */
  readonly #structures: BarHandler = {
    read: (offset, width) => {
      const within = offset % PAGE;
      switch (offset - within) {
        case COMMON_AT:
          return this.#commonBlock.read(within, width);
        case ISR_AT:
          return within === 0 ? this.#takeIsr() : 0;
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
          this.#commonBlock.write(within, width, value);
          break;
        case DEVICE_AT:
          this.#controller.config.write(within, width, value);
          break;
        case NOTIFY_AT:
          // Without NOTIFICATION_DATA and NOTIF_CONFIG_DATA the address alone says which queue is meant.
          if (within % NOTIFY_MULTIPLIER === 0) this.#controller.notify(within / NOTIFY_MULTIPLIER);
          break;
      }
    },
  };

  /** VIRTIO 1.4 §4.1.4.5.1: reading takes the bits and lets go of the line. */
  #takeIsr(): number {
    const bits = this.#isr;
    this.#isr = 0;
    this.#endpoint.setIntx(false);
    return bits;
  }

  #interrupt(isrBit: number, vector: number): void {
    if (this.#endpoint.msixEnabled) {
      // VIRTIO 1.4 §4.1.4.5.1 asks for the configuration bit whatever the interrupt mode.
      this.#isr |= isrBit & ISR_CONFIG;
      if (vector !== VIRTIO_MSI_NO_VECTOR) this.#endpoint.raiseMsix(vector);
      return;
    }
    this.#isr |= isrBit;
    this.#endpoint.setIntx(true);
  }

  #wasReset(): void {
    this.#common.reset();
    this.#isr = 0;
    this.#endpoint.setIntx(false);
  }

  /** The range's absolute address is part of the configuration for a driver without SHMEM_REGION. */
  #decodeChanged(): void {
    const address = this.#endpoint.barAddress(SHARED_MEMORY_BAR);
    if (address === this.#rangeAddress) return;
    this.#rangeAddress = address;
    this.#controller.configChanged();
  }
}

function registerBar(size: number, handler: BarHandler): Bar {
  return {
    size,
    is64: false,
    prefetchable: false,
    areas: [],
    read: (offset, width) => handler.read(offset, width),
    write: (offset, width, value) => handler.write(offset, width, value),
  };
}

/** A BAR has a power of two bytes; what is left over after the region reads 0 and ignores writes. */
function sharedMemoryBar(region: SharedMemoryRegion): Bar {
  return {
    size: Math.max(PAGE, 2 ** Math.ceil(Math.log2(region.size))),
    is64: true,
    prefetchable: true,
    areas: [{ offset: 0, size: region.size, fd: region.fd, fileOffset: region.offset }],
    read: (offset, width) => (offset + width <= region.size ? region.read(offset, width) : 0),
    write: (offset, width, value) => {
      if (offset + width <= region.size) region.write(offset, width, value);
    },
  };
}

function structureCapabilities(device: VirtioDevice, configSize: number): Capability[] {
  const bar = STRUCTURES_BAR;
  return [
    virtioCapability(VirtioPciCap, { cfg_type: VIRTIO_PCI_CAP_COMMON_CFG, bar, offset: COMMON_AT, length: VirtioPciCommonCfg.size }),
    virtioCapability(VirtioPciNotifyCap, {
      cfg_type: VIRTIO_PCI_CAP_NOTIFY_CFG,
      bar,
      offset: NOTIFY_AT,
      length: device.queueSizes.length * NOTIFY_MULTIPLIER,
      notify_off_multiplier: NOTIFY_MULTIPLIER,
    }),
    virtioCapability(VirtioPciCap, { cfg_type: VIRTIO_PCI_CAP_ISR_CFG, bar, offset: ISR_AT, length: 1 }),
    ...(configSize === 0
      ? []
      : [virtioCapability(VirtioPciCap, { cfg_type: VIRTIO_PCI_CAP_DEVICE_CFG, bar, offset: DEVICE_AT, length: configSize })]),
  ];
}

function sharedMemoryCapability(region: SharedMemoryRegion): Capability {
  return virtioCapability(VirtioPciCap64, {
    cfg_type: VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
    bar: SHARED_MEMORY_BAR,
    id: region.id,
    offset: 0,
    length: region.size % TWO_32,
    offset_hi: 0,
    length_hi: Math.floor(region.size / TWO_32),
  });
}
