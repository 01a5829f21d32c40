import type { MessagePort } from 'node:worker_threads';
import type { FileSpan } from '@vpmem/native';
import type { CutDescription, FlushStatus, PagesCause, WriterState } from '@vpmem/recording';

/**
 * Words of the memory that a recorder's thread shares with the medium's: messages posted, and carried out; bytes of pages that wait;
 * how it goes, see {@link RecorderState}; and whether the base is written: 1. At `fileSize`, 64 bits: bytes of the recording.
 */
export const RecorderWords = { posted: 0, done: 1, waiting: 2, state: 3, fileSize: 16, based: 6, bytes: 32 };

/** How a recording goes: its file is being made; it goes on; it failed, and why is a message; it has ended. */
export const RecorderState = { beginning: 0, recording: 1, failed: 2, ended: 3 };

/** Where a recording goes: into a new file, or into one that was made for it and is open. */
export interface RecordingTarget {
  readonly path: string;
  /** Empty; whoever gives it closes it. Absent: there must be no file at `path`. */
  readonly fd?: number;
}

/** What a recorder's thread is given to live on. */
export interface RecorderThreadData {
  readonly target: RecordingTarget;
  /** Absent: it begins. How far another has come with it, or why it is to end, since whoever wrote it has died. */
  readonly goesOn?: { readonly writer: WriterState } | { readonly interrupted: string };
  /** What is durable. From its beginning on, whoever writes there posts before what pages hold. */
  readonly file: FileSpan;
  /** Bytes. */
  readonly size: number;
  /** Messages come here, in order; {@link RecorderReply}s go back. */
  readonly port: MessagePort;
  /** See {@link RecorderWords}. */
  readonly words: SharedArrayBuffer;
  /** The medium's words: it is woken when the recording has failed. */
  readonly wake: SharedArrayBuffer;
}

/** Stretches of pages, in the order of addresses: what was recorded of them last, one behind the other, and what they hold now. */
export interface RecordedRuns {
  readonly type: 'runs';
  /** Bytes from the beginning of the memory, and how many. */
  readonly places: readonly (readonly [at: number, length: number])[];
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

export type RecorderMessage =
  | { readonly type: 'asked'; readonly flush: number }
  /** Runs follow, in the order of addresses, then `moment-end`. */
  | { readonly type: 'moment'; readonly cause: PagesCause }
  | RecordedRuns
  | { readonly type: 'moment-end' }
  | { readonly type: 'answered'; readonly flush: number; readonly status: FlushStatus; readonly text: string }
  | { readonly type: 'mark'; readonly text: string }
  | { readonly type: 'client'; readonly change: 'came' | 'left'; readonly text: string }
  | { readonly type: 'reset' }
  | { readonly type: 'cut'; readonly cut: CutDescription }
  /** How far it has come is to be told; then nothing is written before `proceed`. */
  | { readonly type: 'hold' }
  | { readonly type: 'proceed' }
  /** Nothing comes after these. */
  | { readonly type: 'let-go' }
  | { readonly type: 'incomplete'; readonly reason: string }
  | { readonly type: 'end' };

export type RecorderReply =
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'held'; readonly writer: WriterState }
  /** It was ended for one that has died. */
  | { readonly type: 'interrupted'; readonly flushes: number; readonly marks: number; readonly reason: string };
