import { closeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { DSM_PAGE_SIZE, DsmPort, DSM_PORT, DSM_PORT_SIZE, HOTPLUG_EVENT, makeSsdt, Nvdimm, NvdimmRoot, placeAcpiTables, type NvdimmOptions, type PlacedBytes } from '@vpmem/nvdimm';
import { GuestMachine } from './guest-machine.ts';
import { Guest } from './guest.ts';

const MIB = 2 ** 20;
const RAM = 16 * MIB;
const PAGE = RAM - DSM_PAGE_SIZE;
const FIRST_ADDRESS = 0x1_0000_0000;
const APART = 64 * MIB;

/** Where this firmware has its tables. */
const TABLES_AT = { rsdp: 0xf_0000, tables: PAGE - 32 * 1024 } as const;
const RESERVED = [
  { start: 0xe_0000, size: 0x2_0000 },
  { start: TABLES_AT.tables, size: RAM - TABLES_AT.tables },
];

/** For tests: the board and the firmware of a machine with NVDIMMs, and none of `@vpmem/embedded-machine`. */
export class NvdimmPlatform {
  readonly machine = new GuestMachine({ reserved: RESERVED });
  readonly root = new NvdimmRoot({ persistence: 'cpu' });
  /** What the guest said of its troubles. */
  readonly said: string[] = [];
  readonly #fds: number[] = [];
  #guest: Guest | undefined;

  constructor() {
    const port = new DsmPort(this.root, this.machine.memory);
    this.machine.ports.add({ start: DSM_PORT, size: DSM_PORT_SIZE, read: () => port.read(), write: (...access) => void port.write(...access) });
  }

  /** An NVDIMM on memory of its own, or on a file, taken over. */
  plug(slot: number, { size, fd = createMemfd(`nvdimm${slot}`, size), ...options }: { readonly size: number; readonly fd?: number } & Partial<NvdimmOptions>): Nvdimm {
    this.#fds.push(fd);
    const backend = { id: `mem${slot}`, size, fd, offset: 0, read: () => 0, write: () => undefined };
    const device = new Nvdimm(backend, { id: `nv${slot}`, slot, address: FIRST_ADDRESS + slot * APART, align: 4096, ...options });
    this.machine.map({ address: BigInt(device.address), size: device.size, fd, fileOffset: 0 });
    this.root.plug(device);
    return device;
  }

  /** {@link plug} while the guest runs. */
  hotPlug(slot: number, options: { readonly size: number } & Partial<NvdimmOptions>): Nvdimm {
    const device = this.plug(slot, options);
    this.machine.events.raise(HOTPLUG_EVENT);
    return device;
  }

  /** What firmware does at power-on and at each reset: RSDP, XSDT, NFIT where there are NVDIMMs, SSDT. */
  putTables(): readonly PlacedBytes[] {
    const nfit = this.root.nfit();
    const tables = [...(nfit === undefined ? [] : [nfit]), makeSsdt({ slots: 8, page: PAGE, hotplugEvent: true })];
    const placed = placeAcpiTables(tables, TABLES_AT);
    for (const { address, bytes } of placed) this.machine.memory.write(address, bytes);
    return placed;
  }

  /** Starts a guest on what is in memory now. */
  start(): Guest {
    this.#guest = new Guest({ machine: this.machine, problem: (text) => this.said.push(text) });
    return this.#guest;
  }

  async close(): Promise<void> {
    if (this.#guest === undefined) this.machine.close();
    else await this.#guest.close();
    for (const fd of this.#fds) closeSync(fd);
  }
}
