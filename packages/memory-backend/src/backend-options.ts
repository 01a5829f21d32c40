import type { MemoryPolicy } from '@vpmem/native';

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
  /** How pages that were written are found: by a userfaultfd, by comparing, or whichever can be had, which is the default. */
  readonly pageTracker?: 'auto' | 'uffd' | 'compare';
  /** A new file for a recording of what becomes durable. It brings {@link powerFailure} with it. */
  readonly record?: string;
  /** How often what is volatile goes into the recording, in milliseconds; default: only at marks. */
  readonly recordInterval?: number;
}

/** memory-backend-ram, memory-backend-memfd: storage is memory, gone with its last user. */
export interface RamBackendOptions extends CommonOptions {
  readonly type: 'memory-backend-ram' | 'memory-backend-memfd';
  /** Take huge pages. Default false. */
  readonly hugetlb?: boolean;
  /** Their size in bytes. Default: the system's. */
  readonly hugetlbsize?: number;
}

/** What a memory backend of any type is made of. */
export type BackendOptions = FileBackendOptions | RamBackendOptions;
