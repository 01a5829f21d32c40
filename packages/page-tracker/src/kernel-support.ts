import { closeSync } from 'node:fs';
import { createMemfd, errnoOf, Mapping, openWriteProtection, PageMap, registerWriteProtection } from '@vpmem/native';

/** So much that there are whole page tables in it, wherever it is mapped. */
const TRIAL = 2 ** 22;

/** What the kernel can do. */
export interface KernelSupport {
  /** Why it cannot tell which pages were written; undefined if it can. */
  readonly obstacle: string | undefined;
  /** Pages whose whole page table the kernel has taken away count as written. Where they do not, they have to be looked for. */
  readonly reportsHoles: boolean;
}

let known: KernelSupport | undefined;

/** Tries it out on memory of this process, once for each thread. */
export function kernelSupport(): KernelSupport {
  return (known ??= tryOut());
}

function tryOut(): KernelSupport {
  let uffd: number | undefined;
  let memory: number | undefined;
  let mapping: Mapping | undefined;
  let pages: PageMap | undefined;
  try {
    uffd = openWriteProtection();
    memory = createMemfd('vpmem-try', TRIAL);
    mapping = Mapping.ofFile(memory, { length: TRIAL });
    const start = mapping.address;
    const end = start + BigInt(TRIAL);
    registerWriteProtection(uffd, start, end);
    const map = (pages = new PageMap(process.pid));
    const written = (): bigint => {
      let bytes = 0n;
      map.takeMatching('written', start, end, (from, to) => (bytes += to - from));
      return bytes;
    };
    // Nothing has touched it: there are no tables.
    const reportsHoles = written() === BigInt(TRIAL);
    if (!map.protect(start, end)) return { obstacle: 'the kernel does not protect memory asynchronously', reportsHoles };
    new Uint8Array(mapping.window(0, 1))[0] = 1;
    return { obstacle: written() === 4096n ? undefined : 'the kernel does not tell which pages were written', reportsHoles };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { obstacle: whyNot(error as NodeJS.ErrnoException), reportsHoles: false };
  } finally {
    pages?.close();
    mapping?.unmap();
    for (const fd of [uffd, memory]) if (fd !== undefined) closeSync(fd);
  }
}

function whyNot({ code, syscall, message }: NodeJS.ErrnoException): string {
  if (code !== 'EPERM' && code !== 'EACCES') return `Linux 6.7 or newer, with userfaultfd, is needed: ${message}`;
  // A process that has changed its user without executing a program, such as one that began as root, may not look at itself.
  return syscall === 'open' ? `this process may not look at page tables, not even its own: ${message}` : `userfaultfd is forbidden: ${message}`;
}
