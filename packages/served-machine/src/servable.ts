import { MachineError } from '@vpmem/machine';
import type { BackendDescription } from '@vpmem/memory-backend';
import { barSize } from '@vpmem/pci';
import { PMEM_ALIGNMENT } from '@vpmem/virtio-pmem';

/** Checks that a guest can use the backend as memory in a BAR. @throws MachineError */
export function checkServable(id: string, backend: BackendDescription): void {
  checkSize(id, backend);
  checkAlign(id, backend);
}

/** @throws MachineError for a size a Linux guest would refuse, late and without a word on why */
export function checkSize(id: string, { id: memdev, size, kind }: BackendDescription): void {
  if (size % PMEM_ALIGNMENT === 0) return;
  const below = Math.floor(size / PMEM_ALIGNMENT) * PMEM_ALIGNMENT;
  const choices = below === 0 ? `${PMEM_ALIGNMENT}` : kind === 'device' ? `${below}, with offset=0` : `${below} or ${below + PMEM_ALIGNMENT}`;
  throw new MachineError(
    'bad-size',
    'size',
    `device '${id}': memory backend '${memdev}' has ${size} bytes; Linux maps persistent memory in units of 2 MiB, so make it ${choices}`,
  );
}

/** A BAR begins at a multiple of its own size, a power of two; nothing can promise more. @throws MachineError */
function checkAlign(id: string, { id: memdev, size, align }: BackendDescription): void {
  const promised = barSize(size);
  if (align <= promised) return;
  throw new MachineError(
    'bad-align',
    'align',
    `device '${id}': memory backend '${memdev}' asks for align=${align}; memory of ${size} bytes lies in a BAR aligned to ${promised}, so that is the most`,
  );
}
