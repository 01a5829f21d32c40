/** A BAR, as `query-pci` tells of it; the address is undefined while the guest has given it none. */
export interface PciRegionInfo {
  readonly bar: number;
  readonly address: bigint | undefined;
  readonly size: number;
  readonly prefetch: boolean;
  readonly is64: boolean;
}

/** One function on a bus. */
export interface PciFunctionInfo {
  readonly slot: number;
  readonly function: number;
  /** Class and subclass, 16 bits. */
  readonly class: number;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** 1 to 4 for INTA to INTD; 0: none. */
  readonly irqPin: number;
  readonly irq: number;
  /** The `id` given. */
  readonly id: string | undefined;
  readonly regions: readonly PciRegionInfo[];
  /** Present for a bridge. */
  readonly bridge?: PciBridgeInfo;
}

/** The bus behind a bridge, numbers as the guest set them. */
export interface PciBridgeInfo {
  readonly primary: number;
  readonly secondary: number;
  readonly subordinate: number;
  /** What it passes on; absent while the guest has set none. */
  readonly io?: PciWindow;
  readonly memory?: PciWindow;
  readonly prefetchable?: PciWindow;
  readonly functions: readonly PciFunctionInfo[];
}

/** The first and the last address of a range; it is empty if the first is above the last. */
export interface PciWindow {
  readonly base: bigint;
  readonly limit: bigint;
}

/** A PCI bus and the functions on it, for `info pci`. */
export interface PciBusInfo {
  readonly number: number;
  readonly functions: readonly PciFunctionInfo[];
}

/** A bus and what is plugged into it, for `info qtree`. */
export interface BusInfo {
  readonly name: string;
  readonly type: string;
  readonly devices: readonly BusDeviceInfo[];
}

/** A device on a bus, with the buses that it has itself. */
export interface BusDeviceInfo {
  readonly type: string;
  readonly id: string | undefined;
  /** As QEMU prints them, in order. */
  readonly properties: readonly (readonly [name: string, value: string])[];
  readonly buses: readonly BusInfo[];
}
