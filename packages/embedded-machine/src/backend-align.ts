import type { BackendDescription } from '@vpmem/memory-backend';

/** QEMU's memory-backend-ram is aligned to this, so that it can have huge pages. */
const RAM_BACKEND_ALIGN = 2 * 2 ** 20;

/** What the window for memory devices is aligned to. */
const WINDOW_ALIGN = 2 ** 30;

/** What the address and the size of a memory device with this backend have to be multiples of, in bytes. */
export function memoryAlign({ type, align }: BackendDescription): number {
  return type === 'memory-backend-ram' ? Math.max(align, RAM_BACKEND_ALIGN) : align;
}

/** What to tell of an alignment that the window for memory devices does not have, if anything. */
export function alignWarning(label: string, align: number): string | undefined {
  if (align <= WINDOW_ALIGN) return undefined;
  return `device '${label}': its alignment ${align} exceeds ${WINDOW_ALIGN}, so some of maxmem may not be usable`;
}
