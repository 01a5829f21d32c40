export { AddressAllocator, FoundFunction, type FoundBar } from './found-function.ts';
export { Guest } from './guest.ts';
export { GuestMachine } from './guest-machine.ts';
export { FlushError, PmemDisk } from './pmem-driver.ts';
export { ProbeError, VirtioTransport } from './virtio-transport.ts';
