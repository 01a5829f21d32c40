import type { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';

/** What a case has to know of a function before it begins. */
export interface FunctionTraits {
  /** VIRTIO 1.4 §5: 27 for pmem. */
  readonly deviceId: number;
  /** The features it offers. */
  readonly offered: bigint;
  /** Those of them that its type defines. Default: what pmem has, bit 0. */
  readonly typeFeatures?: bigint;
  readonly interrupts: 'MSI-X' | 'INTx';
  /** The largest size of each queue. */
  readonly queueSizes: readonly number[];
  /** A request for queue 0 that the device answers, and its answer. */
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  /** Whether more bytes in either make another request of it, as in a device whose answer lies at the very end. Default false. */
  readonly exact?: boolean;
  /** Whether it has no configuration of its type. Default false. */
  readonly unconfigured?: boolean;
  /** Bytes of the shared memory region, where it is a BAR's. */
  readonly region?: number;
  /** Bytes of the device configuration that say where the region is (le64), if moving its BAR changes them. */
  readonly addressInConfig?: number;
  /** Requests are answered in {@link FunctionUnderTest.settle} and not before. */
  readonly held: boolean;
}

/**
 * A virtio function on a PCI bus, however it is reached: in this process, behind a socket, in a virtual machine. Memory
 * decoding and bus mastering are on, every BAR has an address.
 */
export interface FunctionUnderTest {
  readonly traits: FunctionTraits;
  /** The RAM it reaches, all of it zero: 64 KiB from address 0 at least, and nothing from 2^40 on. */
  readonly memory: GuestMemory;
  readConfig(offset: number, width: AccessWidth): Promise<number>;
  writeConfig(offset: number, width: AccessWidth, value: number): Promise<void>;
  readBar(bar: number, offset: number, width: AccessWidth): Promise<number>;
  writeBar(bar: number, offset: number, width: AccessWidth, value: number): Promise<void>;
  /** Data of the MSI-X messages that came since this was last asked, in order. */
  takeMessages(): Promise<number[]>;
  /** Level of its interrupt line. */
  intx(): Promise<boolean>;
  /**
   * Until the device has done all that it was asked, and what it said has arrived. Where that cannot be known, `done` says
   * what a driver would wait for; without it the device has nothing to do.
   */
  settle(done?: () => boolean): Promise<void>;
  /** Where the message of a vector goes. Default: where a PC's interrupt controller is. */
  messageAddress?(vector: number): number;
  /** The platform resets the function; decoding is on again afterwards. */
  reset(): Promise<void>;
}
