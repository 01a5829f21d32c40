import { GuestMemory } from '@vpmem/guest-memory';
import type { AccessWidth } from '@vpmem/layout';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import type { PciHost } from '@vpmem/pci';
import { DRIVER_OK } from '@vpmem/virtio';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { VirtioPciFunction, type VirtioPciOptions } from '@vpmem/virtio-pci';
import { HostileRam } from '../hostile-ram.ts';
import { must } from '../target.ts';

/** No power of two, so that the BAR has room behind it. */
const PMEM_SIZE = 3 * 2 ** 20;
export const RAM_SIZE = 0x8000;
/** Guest-physical; the last page can only be read. */
export const RAM_AT = 0x1_0000;
export const ROM_SIZE = 0x1000;

/** Memory that counts what is asked of it, for accesses that do not go through a mapping. */
class CheckedBackend extends MemoryBackend {
  constructor(syncer: ManualSyncer) {
    super({ id: 'pmem', type: 'memory-backend-ram', size: PMEM_SIZE, fd: -1, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'unnamed' }, syncer);
  }

  override read(offset: number, width: AccessWidth): number {
    this.#check(offset, width);
    return 0;
  }

  override write(offset: number, width: AccessWidth): void {
    this.#check(offset, width);
  }

  #check(offset: number, width: AccessWidth): void {
    must(Number.isInteger(offset) && offset >= 0 && offset + width <= PMEM_SIZE, () => `[${offset}, +${width}) of a range of ${PMEM_SIZE}`);
  }
}

/** A virtio-pmem-pci function in a machine that means it no good. */
export class FunctionRig {
  readonly ram: HostileRam;
  readonly memory = new GuestMemory();
  readonly syncer = new ManualSyncer();
  readonly pci: VirtioPciFunction;
  readonly #deferred: (() => void)[] = [];
  #attached = false;
  /** Interrupts since it was last set to 0. */
  interrupts = 0;

  constructor(options: VirtioPciOptions, address: bigint | undefined, changes: Uint8Array) {
    this.ram = new HostileRam(RAM_SIZE, changes);
    this.ram.onWrite = (at, length) => {
      must(at + length <= RAM_SIZE - ROM_SIZE, () => `a write to [${at}, +${length}), which is read-only`);
      must(this.#attached && (this.pci.deviceStatus & DRIVER_OK) !== 0, () => `a write to [${at}, +${length}) by a device without a driver`);
    };
    this.connectRam();
    this.pci = new VirtioPciFunction(new VirtioPmem(new CheckedBackend(this.syncer), address === undefined ? {} : { address }), options);
    this.attach();
  }

  attach(): void {
    if (this.#attached) return;
    this.#attached = true;
    this.pci.attach(this.#host);
  }

  detach(): void {
    if (!this.#attached) return;
    this.pci.detach();
    this.#attached = false;
  }

  connectRam(): void {
    if (this.memory.regions.length > 0) return;
    const size = RAM_SIZE - ROM_SIZE;
    this.memory.add({ start: RAM_AT, size, writable: true, backing: this.ram.backing(0, size) });
    this.memory.add({ start: RAM_AT + size, size: ROM_SIZE, writable: false, backing: this.ram.backing(size, ROM_SIZE) });
  }

  /** Lets everything that was put off happen, and whatever that puts off the next time. */
  turn(): void {
    for (const callback of this.#deferred.splice(0)) callback();
  }

  readonly #host: PciHost = {
    memory: this.memory,
    msix: { kind: 'messages', write: () => this.#interrupt() },
    intx: () => this.#interrupt(),
    defer: (callback) => void this.#deferred.push(callback),
  };

  #interrupt(): void {
    must(this.#attached, () => 'an interrupt from a function that is not plugged in');
    this.interrupts++;
  }
}
