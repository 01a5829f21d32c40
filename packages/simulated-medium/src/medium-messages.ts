import type { MessagePort } from 'node:worker_threads';
import type { TrackedMemory, TrackerOptions } from '@vpmem/page-tracker';
import type { MediumClient, SavedRecording } from './medium-state.ts';
import type { MediumStatus, RecordingState } from './medium-status.ts';
import type { NotedWrite } from './noted-writes.ts';
import type { Cut, Losses } from './power-loss.ts';
import type { RecordingTarget } from './recorder-messages.ts';

/**
 * Words of the memory that a medium's thread shares with whoever asks it to do something: jobs posted, and begun; and how often there
 * was something to look at, which is what it waits for.
 */
export const MediumWords = { asked: 0, begun: 1, signals: 2, bytes: 12 };

/** There is something for a medium's thread to look at; it does, also if it is just about to wait. */
export function signalMedium(words: Int32Array): void {
  Atomics.add(words, MediumWords.signals, 1);
  Atomics.notify(words, MediumWords.signals);
}

/** What a medium's thread is given to live on. */
export interface MediumThreadData {
  readonly medium: TrackedMemory;
  readonly tracker: TrackerOptions['want'];
  /** Jobs come here; results go back, in order, and {@link MediumNotice}s between them. */
  readonly port: MessagePort;
  /** Jobs posted, and jobs begun: see {@link MediumWords}. */
  readonly words: SharedArrayBuffer;
  /** Signalled after each message; undefined if who asks hears of the message itself. */
  readonly eventFd: number | undefined;
}

/** A recording: into what, and how often what is volatile goes into it, in milliseconds. */
export interface RecordingOrder {
  readonly target: RecordingTarget;
  readonly interval: number | undefined;
}

/** What of a medium only its thread knows, for another that goes on. */
export interface HeldMedium {
  /** Why it cannot be handed on now; undefined if it can. */
  readonly obstacle?: string | undefined;
  /** See {@link MediumClient}. */
  readonly descriptors: ReadonlyMap<number, number>;
  readonly recording: Pick<SavedRecording, 'flushes' | 'marks' | 'bytes' | 'writer' | 'incomplete'> | undefined;
}

/** A recording to go on with: where it is, and how far it has come. */
export interface RecordingToContinue {
  readonly target: RecordingTarget;
  readonly saved: SavedRecording;
}

export type MediumTask =
  /** `flush`: its number, counted from the first there was. */
  | { readonly type: 'flush'; readonly flush: number }
  /** A flush that never got here has failed. */
  | { readonly type: 'failed'; readonly flush: number; readonly reason: string }
  | { readonly type: 'measure' }
  | { readonly type: 'cut'; readonly cut: Cut }
  | { readonly type: 'image'; readonly cut: Cut; readonly path: string }
  | { readonly type: 'client'; readonly change: 'came' | 'left'; readonly pid: number | undefined }
  | { readonly type: 'reset' }
  | { readonly type: 'begin-recording'; readonly order: RecordingOrder }
  | { readonly type: 'end-recording' }
  | { readonly type: 'mark'; readonly text: string }
  /** Comes before everything else, where another has gone before. */
  | { readonly type: 'continue'; readonly clients: readonly MediumClient[]; readonly recording: RecordingToContinue | undefined }
  /** Nothing is done of its own accord until `proceed`. */
  | { readonly type: 'hold' }
  | { readonly type: 'proceed' }
  /** Nothing comes after these. */
  | { readonly type: 'let-go' }
  | { readonly type: 'end' };

/** A task, and what was written otherwise than through a mapping before it was asked for. */
export type MediumJob = MediumTask & { readonly noted?: readonly NotedWrite[] };

/** What came of a job. */
export type MediumResult =
  | {
      readonly ok: true;
      readonly status: MediumStatus;
      /** Bytes written by a flush, or found not to be durable by a measurement. */
      readonly bytes: number;
      /** Of a measurement: see `Exposure`. */
      readonly parts: readonly number[];
      /** Of a cut or an image. */
      readonly losses: Losses;
      /** Of a mark: whether a recording has it. */
      readonly marked: boolean;
      /** The recording that was ended. */
      readonly ended: RecordingState | undefined;
      /** Of `hold`. */
      readonly held: HeldMedium | undefined;
    }
  | { readonly ok: false; readonly code: string; readonly errno: number; readonly syscall: string; readonly message: string };

/** Something that nobody asked for: the recording goes no further. */
export interface MediumNotice {
  readonly type: 'notice';
  readonly status: MediumStatus;
}

/** What a task has failed with. */
export function errorOf({ code, errno, syscall, message }: MediumResult & { ok: false }): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code, errno, syscall });
}

/** Tasks that whoever just wants to know something does not wait for. */
export const TAKE_TIME: ReadonlySet<MediumTask['type']> = new Set(['flush', 'cut', 'image', 'begin-recording', 'end-recording', 'end']);

/** Tasks after which another can go on from what was saved before. */
export const CHANGE_NOTHING: ReadonlySet<MediumTask['type']> = new Set(['hold', 'measure', 'image']);
