import { closeSync } from 'node:fs';
import { createMemfd, preallocate } from '@vpmem/native';
import type { BackendDescription } from './backend-description.ts';
import { BackendError } from './backend-error.ts';
import { PAGE_SIZE, type RamBackendOptions } from './backend-options.ts';
import { checkWholePages, hugePageSize, hugePageSizes, reserveHugePages } from './files/huge-pages.ts';
import { applyPolicy } from './numa-policy.ts';

/** Opens memory that has no file. @throws BackendError with nothing left behind */
export function openRam(options: RamBackendOptions): BackendDescription {
  const { id, type, size, prealloc = false, hugetlb = false, hugetlbsize } = options;
  const fd = hugetlb ? hugeMemory(options) : createMemfd(id, size);
  try {
    const remarks = [applyPolicy(options, fd, 0), hugetlb || hugetlbsize === undefined ? undefined : `memory backend '${id}': hugetlbsize has no effect without hugetlb=on`];
    if (prealloc) preallocate(fd, 0, size);
    const reason = `${type} '${id}' is memory of this process: nothing written to it persists, and a flush has nothing to do`;
    return { id, type, size, fd, offset: 0, align: PAGE_SIZE, path: undefined, volatile: reason, remarks: remarks.filter((remark) => remark !== undefined), discardData: false, was: 'unnamed' };
  } catch (error) {
    closeSync(fd);
    if (error instanceof BackendError) throw error;
    throw new BackendError('no-space', 'prealloc', `memory backend '${id}': there is no memory for prealloc=on of ${size} bytes (${(error as NodeJS.ErrnoException).code ?? ''})`, { cause: error });
  }
}

/** hugetlb=on. The size has to be checked first: memory of another cannot be made. */
function hugeMemory(options: RamBackendOptions): number {
  const { id, size, hugetlbsize, reserve = true } = options;
  const sizes = hugePageSizes();
  const kinds = sizes.length === 0 ? 'none' : sizes.join(', ');
  if (hugetlbsize !== undefined && !sizes.includes(hugetlbsize)) {
    throw new BackendError('bad-size', 'hugetlbsize', `memory backend '${id}': this kernel has no huge pages of hugetlbsize=${hugetlbsize} bytes; it has ${kinds}`);
  }
  let page: number;
  try {
    const probe = createMemfd(id, 0, { seal: false, hugePages: hugetlbsize ?? true });
    page = hugePageSize(probe);
    closeSync(probe);
  } catch (error) {
    throw new BackendError('no-space', 'hugetlb', `memory backend '${id}': this kernel has no huge pages for hugetlb=on (${(error as NodeJS.ErrnoException).code ?? ''})`, { cause: error });
  }
  checkWholePages(options, page);
  const fd = createMemfd(id, size, { hugePages: hugetlbsize ?? true });
  try {
    if (reserve) reserveHugePages(options, { fd, offset: 0 });
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
