import { DSM_PAGE_SIZE, DSM_PORT_SIZE } from './dsm-layout.ts';

/** Guest RAM, as far as the port needs it. Both say whether all of the range was there. */
export interface GuestRam {
  read(address: number, into: Uint8Array): boolean;
  write(address: number, bytes: Uint8Array): boolean;
}

/** What became of a write to the port: `answered`, or why nothing was done. */
export type DsmPortOutcome = 'answered' | 'bad-access' | 'no-page';

/** The port a guest writes the page's address to; when the write is over, the page has the answer. */
export class DsmPort {
  /** How often each outcome came. */
  readonly counts: Record<DsmPortOutcome, number> = { answered: 0, 'bad-access': 0, 'no-page': 0 };
  readonly #answer: (page: Uint8Array) => void;
  readonly #ram: GuestRam;

  constructor(root: { answer(page: Uint8Array): void }, ram: GuestRam) {
    this.#answer = (page) => root.answer(page);
    this.#ram = ram;
  }

  /** Reads as 0, whatever the access. */
  read(): number {
    return 0;
  }

  /** A write of `width` bytes at `offset` from the port's first. Only all four bytes at once are a call. */
  write(offset: number, width: number, value: number): DsmPortOutcome {
    const outcome = offset === 0 && width === DSM_PORT_SIZE ? this.#serve(value >>> 0) : 'bad-access';
    this.counts[outcome]++;
    return outcome;
  }

  #serve(address: number): DsmPortOutcome {
    const page = new Uint8Array(DSM_PAGE_SIZE);
    if (!this.#ram.read(address, page)) return 'no-page';
    this.#answer(page);
    return this.#ram.write(address, page) ? 'answered' : 'no-page';
  }
}
