import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process holds. */
export interface Resources {
  /** Open descriptors, by what they are: `socket`, `anon_inode:[eventfd]`, or a path. */
  readonly descriptors: Readonly<Record<string, number>>;
  readonly threads: number;
  /** Mappings of files whose path has the text. */
  readonly mappings: number;
}

/** Counts what a process holds now. */
export function resourcesOf(pid: number, file: string): Resources {
  const descriptors: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = describe(`/proc/${pid}/fd/${fd}`);
    if (kind !== undefined) descriptors[kind] = (descriptors[kind] ?? 0) + 1;
  }
  return {
    descriptors: Object.fromEntries(Object.entries(descriptors).sort()),
    threads: readdirSync(`/proc/${pid}/task`).length,
    mappings: readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').filter((line) => line.includes(file)).length,
  };
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Undefined for one that was closed meanwhile. */
function describe(path: string): string | undefined {
  try {
    return readlinkSync(path).replace(/:\[\d+\]$/, '');
  } catch {
    return undefined;
  }
}
