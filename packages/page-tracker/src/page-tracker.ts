import type { FileSpan } from '@vpmem/native';
import type { PageRun } from './page-run.ts';

/** Memory that others may write, and the file that holds what of it is durable. */
export interface TrackedMemory {
  /** A memfd, or any file that can be read; it may be mapped by anybody. `offset` is a multiple of a page. */
  readonly memory: FileSpan;
  /** What is durable, to compare with. */
  readonly file: FileSpan;
  /** Bytes of both, a multiple of a page. */
  readonly size: number;
}

/** How pages that were written are found: told by the kernel, or found by comparing memory with the file. */
export type TrackerKind = 'uffd' | 'compare';

/**
 * Knows which pages of a memory file have been written. All calls have to come from one and the same thread. Only stores through
 * mappings, and what {@link note} is told, count: a client that uses write(2) on the descriptor is seen by a comparison alone.
 */
export interface PageTracker {
  /** What the next answer comes from, as far as is known. It can change with every call. */
  readonly kind: TrackerKind;
  /** Why it is not `uffd`, in words, if it is not. */
  readonly reason: string | undefined;
  /**
   * Runs, in order of address and apart from each other, that contain every page that may have been written since the last call.
   * There may be more in them, never less. What is stored during the call is in this answer or in the next. The first answer has
   * everything that differs from the file.
   *
   * @throws SystemError where memory or file cannot be read; the next call then answers for this one too
   */
  written(): PageRun[];
  /**
   * Everything that was answered so far is in the file now, as it was read after the answer, or later. Without this, an answer that
   * comes from comparing repeats what was answered before: a page that was written, answered, and written back equals the file again.
   */
  settled(): void;
  /** The caller wrote there itself, not through a mapping of a client. In bytes. */
  note(start: number, length: number): void;
  /**
   * A process may map the memory from now on; undefined or 0: it is not known which. Once for each connection. `descriptor`: what another
   * tracker has left in it, see {@link descriptors}.
   */
  clientCame(pid: number | undefined, descriptor?: number): void;
  /** A connection has ended. The process may go on writing through what it has mapped. */
  clientLeft(pid: number | undefined): void;
  /** The memory is another one: its descriptor was replaced. The next answer has everything that differs from the file. */
  reset(): void;
  /** Another tracker has looked meanwhile, and what it was told is not told again: the next answer has everything that differs from the file. */
  distrust(): void;
  /** What clients were given to be tracked by, for another tracker that goes on: numbers of their own descriptors, by process. */
  readonly descriptors: ReadonlyMap<number, number>;
  /** Another tracker goes on: clients stay as they are. Otherwise as {@link close}. */
  letGo(): void;
  /** Takes back what was done to clients, where it can be. The descriptors are the caller's, and stay open. */
  close(): void;
}
