import { closeSync, openSync } from 'node:fs';
import { FileBackings, GuestMemory } from '@vpmem/guest-memory';
import { createMemfd } from '@vpmem/native';
import { PciBus, type PciFunction, type PciHost } from '@vpmem/pci';
import { RemoteFunction } from '@vpmem/vfio-user/client';

/** Where a message-signalled interrupt is written to, as on a PC; its data says which one it is. */
const MSI_ADDRESS = 0xfee0_0000n;

/**
 * The hardware an embedded guest runs on: RAM at address 0, one PCI bus, an interrupt controller. Functions of this
 * process and functions behind a vfio-user socket are plugged in alike.
 */
export class GuestMachine {
  readonly bus = new PciBus();
  readonly memory = new GuestMemory();
  readonly ramSize: number;
  readonly #ramFd: number;
  readonly #handlers = new Map<number, () => void>();
  readonly #intxHandlers = new Map<number, () => void>();
  #nextMessage = 0x20;

  /** `ramSize` in bytes, whole pages; `ramFd`, if given, a file of that size to have the RAM in, taken over. */
  constructor(ramSize: number, ramFd?: number) {
    this.ramSize = ramSize;
    this.#ramFd = ramFd ?? createMemfd('guest-ram', ramSize);
    const backing = new FileBackings().open(openSync(`/proc/self/fd/${this.#ramFd}`, 'r+'), ramSize, true);
    if ('code' in backing) throw new RangeError(backing.detail);
    this.memory.add({ start: 0, size: ramSize, writable: true, backing });
  }

  /** Plugs a function into `slot`, or the lowest free one; returns which. */
  plug(pciFunction: PciFunction, slot?: number): number {
    if (pciFunction instanceof RemoteFunction) {
      pciFunction.shareRam({ fd: this.#ramFd, offset: 0, address: 0, size: this.ramSize });
    }
    let taken = -1;
    taken = this.bus.plug(pciFunction, this.#hostFor(() => taken), slot);
    return taken;
  }

  /** A message that calls `handler` when a function sends it. */
  allocateMessage(handler: () => void): { readonly address: bigint; readonly data: number } {
    const data = this.#nextMessage++;
    this.#handlers.set(data, handler);
    return { address: MSI_ADDRESS, data };
  }

  /** Calls `handler` whenever the function in `slot` asserts its INTx line. */
  onIntx(slot: number, handler: () => void): void {
    this.#intxHandlers.set(slot, handler);
  }

  /** Unplugs everything and gives the RAM back. */
  close(): void {
    for (const slot of this.bus.slots) this.bus.unplug(slot);
    this.memory.clear();
    closeSync(this.#ramFd);
  }

  #hostFor(slot: () => number): PciHost {
    return {
      memory: this.memory,
      msix: {
        kind: 'messages',
        write: (address, data) => {
          if (address === MSI_ADDRESS) this.#handlers.get(data)?.();
        },
      },
      intx: (asserted) => {
        if (asserted) this.#intxHandlers.get(slot())?.();
      },
      defer: setImmediate,
    };
  }
}
