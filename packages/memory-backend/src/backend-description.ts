import type { FileSpan } from '@vpmem/native';
import type { BackendOptions } from './backend-options.ts';
import type { FileKind, OpenedFile } from './files/opened-file.ts';

/** An open memory backend as plain data: it can be sent to the thread that uses it. */
export interface BackendDescription {
  readonly id: string;
  readonly type: BackendOptions['type'];
  /** Bytes. */
  readonly size: number;
  /** What to map, open for reading and writing. */
  readonly fd: number;
  /** Where in that file the memory begins. */
  readonly offset: number;
  /** The same file, opened once more: see `openWitness`. Absent where nobody needs it. */
  readonly witness?: number;
  /** Where flushed bytes go if they are kept apart from memory (power-failure=on); memory is then a file of its own, at `fd`. */
  readonly medium?: FileSpan;
  /** How pages that were written are to be found there: by a userfaultfd, by comparing, or whichever can be had. Absent: the last. */
  readonly tracker?: 'auto' | 'uffd' | 'compare';
  /** A new file for a recording of what becomes durable, and how often what is volatile goes into it, in milliseconds. */
  readonly recording?: { readonly path: string; readonly fd: number; readonly interval: number | undefined };
  /** What the backing file is; absent where there is none, or it was let go. */
  readonly kind?: FileKind;
  /** A sync of the file at `fd` has nothing to wait for: it lives in memory. Absent: it may. */
  readonly syncsAtOnce?: boolean;
  /** Bytes the memory's address has to be a multiple of, at least {@link PAGE_SIZE}. */
  readonly align: number;
  /** The backing file, if it has a name. */
  readonly path: string | undefined;
  /** Whoever uses the memory may not write to it: readonly=on, unless rom=off gives it a copy of its own. Absent: it may. */
  readonly readonly?: boolean;
  /** Absent when what is flushed is durable; otherwise why nothing is, in words for a warning. */
  readonly volatile: string | undefined;
  /** Options that change nothing for storage of this kind, and why, in words for warnings. */
  readonly remarks?: readonly string[];
  /** Give the storage back when the backend is closed. */
  readonly discardData: boolean;
  /** What keeps others from the file, for as long as these are open. */
  readonly locks?: readonly number[];
  /** What the file at `path` was before; for abandoning it. */
  readonly was: OpenedFile['was'];
}
