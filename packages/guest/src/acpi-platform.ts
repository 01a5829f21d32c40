import type { AcpiPlatform } from '@vpmem/nvdimm/driver';
import { GuestError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';

const DWORD = 4;

/** What the byte code of ACPI tables reaches of a machine: its RAM and its ports. `notify` hears what objects say. */
export function acpiPlatform(machine: GuestMachine, notify: (path: string, value: number) => void): AcpiPlatform {
  return {
    readMemory: (address, length) => {
      const bytes = readRam(machine, address, length);
      if (bytes === undefined) throw new GuestError(`there is no RAM at 0x${address.toString(16)}`);
      return bytes;
    },
    writeMemory: (address, bytes) => {
      if (!machine.memory.write(address, bytes)) throw new GuestError(`there is no RAM at 0x${address.toString(16)}`);
    },
    readPort: (port) => machine.ports.read(port, DWORD),
    writePort: (port, value) => machine.ports.write(port, DWORD, value),
    notify,
  };
}

/** Bytes of RAM; undefined where not all of them are RAM. */
export function readRam(machine: GuestMachine, address: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  return machine.memory.read(address, bytes) ? bytes : undefined;
}
