/** What may be mapped: files, and bytes in all. */
export interface MapLimits {
  readonly files: number;
  readonly bytes: number;
}

/** Of one client: a VMM has a file for each memory device at most, and no machine has more RAM. */
export const CLIENT_LIMITS: MapLimits = { files: 512, bytes: 2 ** 44 };

/** Of the process, which has 65,530 mappings (vm.max_map_count) and 2^47 bytes of addresses to live on, or ends. */
const PROCESS_LIMITS: MapLimits = { files: 2 ** 14, bytes: 2 ** 46 };

const inProcess = { files: 0, bytes: 0 };

/** Counts what a client has mapped, so that one that gives away files without end gets no further than to its own limit. */
export class MapBudget {
  readonly #limits: MapLimits;
  readonly #used = { files: 0, bytes: 0 };

  constructor(limits: MapLimits = CLIENT_LIMITS) {
    this.#limits = limits;
  }

  /** Takes a file of `bytes` into account; why that is too much, if it is. */
  take(bytes: number): string | undefined {
    if (!fits(this.#used, bytes, this.#limits)) return `a client may share ${describe(this.#limits)}`;
    if (!fits(inProcess, bytes, PROCESS_LIMITS)) return `all clients together may share ${describe(PROCESS_LIMITS)}`;
    for (const used of [this.#used, inProcess]) {
      used.files++;
      used.bytes += bytes;
    }
    return undefined;
  }

  give(bytes: number): void {
    for (const used of [this.#used, inProcess]) {
      used.files--;
      used.bytes -= bytes;
    }
  }
}

function fits(used: MapLimits, bytes: number, limits: MapLimits): boolean {
  return used.files < limits.files && used.bytes + bytes <= limits.bytes;
}

function describe({ files, bytes }: MapLimits): string {
  return `${files} files of ${bytes} bytes in all`;
}
