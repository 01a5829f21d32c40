export { AddressRange } from './address-range.ts';
export { FoundFunction, type FoundBar, type PlacedBar } from './found-function.ts';
export { Guest, type GuestOptions } from './guest.ts';
export { FlushError, GuestError, ProbeError } from './guest-error.ts';
export { GuestMachine, type GuestMachineOptions, type MappedMemory } from './guest-machine.ts';
export { Hotplug, locationKey, type HotplugGuest, type HotplugPlatform, type PciLocation } from './hotplug.ts';
export { PmemDisk } from './pmem-driver.ts';
export { Processor } from './processor.ts';
export { VirtioTransport } from './virtio-transport.ts';
