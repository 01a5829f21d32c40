import type { GuestMachine } from '@vpmem/guest';
import { MachineError } from '@vpmem/machine';
import { DSM_PAGE_SIZE, DSM_PORT, DSM_PORT_SIZE, DsmPort, makeSsdt, NvdimmRoot, placeAcpiTables } from '@vpmem/nvdimm';
import type { MachineSettings } from '../machine-properties.ts';
import type { MemoryLayout, Span } from './memory-layout.ts';

/** ACPI 6.5 §5.2.5.1: where an operating system of a PC looks for the RSDP. */
const BIOS = { start: 0xe_0000, size: 0x2_0000 };
/** For the tables of 256 slots and the page of _DSM, at the end of the RAM below 4 GiB. */
const TABLES_SIZE = 256 * 1024;
/** Enough for both, and for a guest beside them. */
const LEAST_RAM = 2 * 2 ** 20;

/** What the firmware keeps of the RAM. */
export interface FirmwarePlaces {
  readonly reserved: readonly Span[];
  readonly rsdp: number;
  readonly tables: number;
  /** The page that _DSM passes its arguments through. */
  readonly page: number;
}

/** Where firmware keeps things; undefined where it has no tables: without nvdimm=on, and without slots, as in QEMU. @throws MachineError */
export function firmwarePlaces({ nvdimm, memory }: MachineSettings, { ram }: MemoryLayout): FirmwarePlaces | undefined {
  if (!nvdimm || memory.slots === 0) return undefined;
  const [{ size } = { size: 0 }] = ram;
  if (size < LEAST_RAM) {
    throw new MachineError('machine-option', 'size', `-m: size=${size} is too little for the tables that tell of nvdimm devices; give it ${LEAST_RAM} (2M) or more, or leave out nvdimm=on`);
  }
  const tables = size - TABLES_SIZE;
  return { reserved: [BIOS, { start: tables, size: TABLES_SIZE }], rsdp: BIOS.start, tables, page: size - DSM_PAGE_SIZE };
}

/** The firmware of a machine with nvdimm=on: what an operating system learns of its NVDIMMs, it learns from here. */
export class Firmware {
  readonly root: NvdimmRoot;
  readonly #places: FirmwarePlaces | undefined;
  readonly #slots: number;
  readonly #hardware: GuestMachine;

  /** Answers at the port from now on. */
  constructor({ nvdimmPersistence: persistence, memory }: MachineSettings, places: FirmwarePlaces | undefined, hardware: GuestMachine) {
    this.root = new NvdimmRoot(persistence === undefined ? {} : { persistence });
    this.#places = places;
    this.#slots = memory.slots;
    this.#hardware = hardware;
    const port = new DsmPort(this.root, hardware.memory);
    hardware.ports.add({
      start: DSM_PORT,
      size: DSM_PORT_SIZE,
      read: () => port.read(),
      write: (offset, width, value) => void port.write(offset, width, value),
    });
  }

  /** Runs before every start of an operating system: puts the tables into RAM, with an NFIT of what is plugged in. */
  run(): void {
    if (this.#places === undefined) return;
    const { rsdp, tables: at, page } = this.#places;
    const nfit = this.root.nfit();
    const ssdt = makeSsdt({ slots: this.#slots, page, hotplugEvent: true });
    for (const { address, bytes } of placeAcpiTables([...(nfit === undefined ? [] : [nfit]), ssdt], { rsdp, tables: at })) {
      this.#hardware.memory.write(address, bytes);
    }
  }
}
