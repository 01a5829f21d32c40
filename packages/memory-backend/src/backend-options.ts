import type { MemoryPolicy } from '@vpmem/native';
import { BackendError } from './backend-error.ts';
import { checkPolicy } from './numa-policy.ts';

/** Smallest unit memory can be mapped in, in bytes. */
export const PAGE_SIZE = 4096;

interface CommonOptions {
  readonly id: string;
  /** Bytes; a multiple of {@link PAGE_SIZE}. */
  readonly size: number;
  /** Allocate all storage now; running out of space is then an error here and not later in the guest. Default false. */
  readonly prealloc?: boolean;
  /** Put the huge pages that the memory takes aside now. Of ordinary memory there is nothing to put aside. Default true. */
  readonly reserve?: boolean;
  /** Which NUMA nodes of the host the memory is to come from; for files that live in memory. Default `default`: any. */
  readonly policy?: 'default' | PolicyMode;
  /** Those nodes, by number. Not without a policy, and the other way round. */
  readonly hostNodes?: readonly number[];
}

export type PolicyMode = MemoryPolicy['mode'];

/** memory-backend-file: storage is a file. */
export interface FileBackendOptions extends CommonOptions {
  readonly type: 'memory-backend-file';
  /** A file, made at `size` if it does not exist; or a directory, in which an unnamed file is made that vanishes with its last user. */
  readonly memPath: string;
  /** Writes reach the file. Default false, as in QEMU: then they go to a private copy. */
  readonly share?: boolean;
  /** Others may write to the file too, if they say so as well; without it nobody else gets the file meanwhile. Default false. */
  readonly shareRw?: boolean;
  /** Open for reading only; writes go to a private copy. Default false. */
  readonly readonly?: boolean;
  /** As in QEMU, except that `on`, memory a guest cannot write to, is not to be had. Default `auto`, here the same as `off`. */
  readonly rom?: 'auto' | 'on' | 'off';
  /** Alignment of the mapping in bytes; a power of two from {@link PAGE_SIZE}. */
  readonly align?: number;
  /** Where in the file the storage begins, in bytes. When given, the file may be longer than `offset` + `size`. */
  readonly offset?: number;
  /** Give the storage back to the file system when the backend goes. Default false. */
  readonly discardData?: boolean;
  /**
   * Keep what the guest sees, in memory, apart from what is durable, in the file: only a flush moves bytes from the first to the
   * second, and a power cut can be simulated. Default false.
   */
  readonly powerFailure?: boolean;
}

/** memory-backend-ram, memory-backend-memfd: storage is memory, gone with its last user. */
export interface RamBackendOptions extends CommonOptions {
  readonly type: 'memory-backend-ram' | 'memory-backend-memfd';
  /** Take huge pages. Default false. */
  readonly hugetlb?: boolean;
  /** Their size in bytes. Default: the system's. */
  readonly hugetlbsize?: number;
}

export type BackendOptions = FileBackendOptions | RamBackendOptions;

/** The rules of QEMU that need no look at the file. @throws BackendError */
export function checkOptions(options: BackendOptions): void {
  const { id, size } = options;
  if (size === 0) throw new BackendError('bad-size', 'size', `memory backend '${id}': size is 0; it has to be at least ${PAGE_SIZE} bytes`);
  if (size % PAGE_SIZE !== 0) {
    const above = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
    const choices = above === PAGE_SIZE ? `${above}` : `${above - PAGE_SIZE} or ${above}`;
    throw new BackendError(
      'bad-size',
      'size',
      `memory backend '${id}': size ${size} is no multiple of the page size ${PAGE_SIZE}; ${choices} would be`,
    );
  }
  if (options.prealloc === true && options.reserve === false) {
    throw new BackendError('conflict', 'reserve', `memory backend '${id}': prealloc=on and reserve=off contradict each other; leave one out`);
  }
  checkPolicy(options);
  if (options.type !== 'memory-backend-file') checkHugePageSize(options);
  if (options.type !== 'memory-backend-file') return;
  const { align, offset, rom, readonly = false, share = false, powerFailure = false, shareRw = false } = options;
  if (powerFailure && (readonly || !share)) {
    const advice = readonly ? 'readonly=on has nothing that becomes durable' : 'it needs share=on, so that what is flushed gets into the file';
    throw new BackendError('conflict', 'power-failure', `memory backend '${id}': power-failure=on is for files that are written to: ${advice}`);
  }
  if (shareRw && (readonly || !share)) {
    const advice = readonly ? 'with readonly=on nobody does' : 'it needs share=on, too';
    throw new BackendError('conflict', 'share-rw', `memory backend '${id}': share-rw=on is for files that several write to: ${advice}`);
  }
  if (rom === 'on') {
    const advice = readonly ? 'rom=off gives the guest a private copy it can write to' : 'and it would take readonly=on';
    throw new BackendError('conflict', 'rom', `memory backend '${id}': rom=on makes memory that a guest cannot write to, which there is not; ${advice}`);
  }
  if (rom === 'off' && readonly && share) {
    throw new BackendError('conflict', 'rom', `memory backend '${id}': rom=off lets the guest write, but with readonly=on,share=on to no place; take share=off`);
  }
  if (align !== undefined && (align < PAGE_SIZE || !Number.isInteger(Math.log2(align)))) {
    throw new BackendError('bad-align', 'align', `memory backend '${id}': align ${align} is no power of two from ${PAGE_SIZE} up`);
  }
  if (offset !== undefined && offset % PAGE_SIZE !== 0) {
    throw new BackendError('bad-offset', 'offset', `memory backend '${id}': offset ${offset} is no multiple of the page size ${PAGE_SIZE}`);
  }
}

/** @throws BackendError for what no huge page can have */
function checkHugePageSize({ id, hugetlbsize }: RamBackendOptions): void {
  if (hugetlbsize === undefined || (hugetlbsize > PAGE_SIZE && Number.isInteger(Math.log2(hugetlbsize)))) return;
  throw new BackendError('bad-size', 'hugetlbsize', `memory backend '${id}': hugetlbsize ${hugetlbsize} is no power of two above ${PAGE_SIZE}; 2M is the usual one`);
}
