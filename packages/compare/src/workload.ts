/** What a guest does to its file, in order. */
export type Step =
  /** Plain stores; `record` is the one they are a part of. */
  | { readonly kind: 'store'; readonly record: number; readonly offset: number; readonly length: number }
  /** The guest waits until it is told that everything before is durable. */
  | { readonly kind: 'fsync' };

/** How records are read after a power cut; `none`: nobody can tell whether one is whole. */
export type Reader = 'none' | 'length' | 'checksum';

/** What a program does, up to where its power goes. */
export interface Workload {
  readonly name: WorkloadName;
  /** One line for people. */
  readonly what: string;
  /** `mapped`: by the processor's own stores into a mapping; `written`: by write(2), which on a file with DAX is the same stores. */
  readonly style: 'mapped' | 'written';
  /** What the program takes for durable: whatever it has stored, or what it had answered an fsync for. */
  readonly believes: 'stored' | 'fsynced';
  readonly reader: Reader;
  /** Whether the file has its size from the beginning, as logs of databases do: zeros that are durable. */
  readonly reserved: boolean;
  /** What the records hold when all of them are whole, one after the other. */
  readonly records: readonly Buffer[];
  readonly steps: readonly Step[];
  /** Whether the cut leaves single words of what was not flushed, unless somebody wants something else. */
  readonly tears: boolean;
}

export const WORKLOAD_NAMES = ['stores', 'stores-fsync', 'log', 'log-fsync', 'torn', 'torn-checksum'] as const;
/** The name of a workload. */
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** Bytes of a page of the map. */
export const PAGE = 4096;
/** Bytes of the file that a comparison looks at. */
export const AREA = 64 * PAGE;

/** What of a workload's file a guest sees when its power goes: {@link AREA} bytes. */
export function lastSeen(workload: Workload): Buffer {
  const whole = Buffer.concat(workload.records);
  const seen = Buffer.alloc(AREA);
  for (const step of workload.steps) if (step.kind === 'store') whole.copy(seen, step.offset, step.offset, step.offset + step.length);
  return seen;
}

/** Where each record begins. */
export function recordOffset({ records }: Workload, number: number): number {
  return records.slice(0, number).reduce((sum, { length }) => sum + length, 0);
}

/** Numbers of records: begun to be stored, stored whole, covered by an fsync, taken for durable by the program. */
export interface Progress {
  readonly begun: readonly number[];
  readonly stored: readonly number[];
  readonly fsynced: readonly number[];
  readonly believed: readonly number[];
}

export function progress({ records, steps, believes }: Workload): Progress {
  const bytes = records.map(() => 0);
  const whole = (): number[] => records.flatMap(({ length }, i) => (bytes[i] === length ? [i] : []));
  let fsynced: number[] = [];
  for (const step of steps) {
    if (step.kind === 'store') bytes[step.record] = (bytes[step.record] ?? 0) + step.length;
    else fsynced = whole();
  }
  const begun = records.flatMap((_, i) => (bytes[i] === 0 ? [] : [i]));
  const stored = whole();
  return { begun, stored, fsynced, believed: believes === 'stored' ? stored : fsynced };
}
