import type { GuestMemory, UnsharedRam } from '@vpmem/guest-memory';

/**
 * Something of the driver's lies in RAM that the platform told of and keeps to itself. The driver could not know, so it is no
 * mistake of its own: a device goes on as far as it can.
 */
export interface UnsharedError {
  readonly code: 'unshared-ram';
  readonly detail: string;
  readonly ram: UnsharedRam;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The error, if that is why `what`, the `bytes` from `address` on, cannot be reached. */
export function unsharedError(memory: GuestMemory, what: string, address: number, bytes: number): UnsharedError | undefined {
  const ram = memory.unsharedRam(address, bytes);
  if (ram === undefined) return undefined;
  const cause = `the VM told of RAM at ${hex(ram.start)}-${hex(ram.end - 1)} but gave no memory for it: it is private; give its backend share=on`;
  return { code: 'unshared-ram', detail: `${cause} (the ${what} at ${hex(address)} is in it)`, ram };
}
