import type { GuestMemory, MemoryWindow } from '@vpmem/guest-memory';

/** Address and bytes of a part of a queue. */
export type RamPart = readonly [address: number, length: number];

/** Zeroes what a driver has its queue in. @throws RangeError if some of it is not RAM */
export function zeroParts(memory: GuestMemory, parts: readonly RamPart[]): void {
  for (const [address, length] of parts) {
    if (!memory.write(address, new Uint8Array(length))) throw new RangeError(`no RAM for a queue at 0x${address.toString(16)}`);
  }
}

/** All of a part of a queue. @throws RangeError if it is RAM no more */
export function partWindow(memory: GuestMemory, address: number, length: number): MemoryWindow {
  const window = memory.writable(address, length);
  if (window === undefined) throw new RangeError(`the queue at 0x${address.toString(16)} is no longer in RAM`);
  return window;
}

/** What a driver throws that believes its device no more. */
export function notInFlight(head: number): Error {
  return new Error(`the device gave back buffer ${head}, which it did not have`);
}
