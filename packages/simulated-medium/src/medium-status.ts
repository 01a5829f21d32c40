import type { PageTracker } from '@vpmem/page-tracker';

/** What a recording holds so far. */
export interface RecordingState {
  readonly path: string;
  /** That were answered with success. */
  readonly flushes: number;
  readonly marks: number;
  /** Of the file. */
  readonly bytes: number;
  /** Why nothing more gets into it; undefined if it goes on. */
  readonly incomplete: string | undefined;
  /** Bytes of pages that wait to get into it, as they were and as they are; absent of one that nothing more gets into. */
  readonly waiting?: number;
}

/** How a medium is doing. */
export interface MediumStatus {
  readonly tracker: { readonly kind: PageTracker['kind']; readonly reason: string | undefined };
  /** The recording there is; it is there until it is ended, also if nothing more gets into it. */
  readonly recording: RecordingState | undefined;
}
