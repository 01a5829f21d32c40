import type { MessagePort } from 'node:worker_threads';
import type { Compared } from './difference.ts';
import type { Cut, Losses } from './medium-work.ts';

/** Words of the memory that a medium's thread shares with whoever asks it to do something. */
export const MediumWords = { asked: 0, begun: 1, bytes: 8 };

/** What a medium's thread is given to live on. */
export interface MediumThreadData {
  readonly medium: Compared;
  /** Jobs come here, results go back, both in order. */
  readonly port: MessagePort;
  /** Jobs posted, and jobs begun: see {@link MediumWords}. */
  readonly words: SharedArrayBuffer;
  /** Signalled after each result; undefined if who asks hears of the message itself. */
  readonly eventFd: number | undefined;
}

export type MediumJob =
  | { readonly type: 'flush' }
  | { readonly type: 'measure' }
  | { readonly type: 'cut'; readonly cut: Cut }
  | { readonly type: 'image'; readonly cut: Cut; readonly path: string }
  /** Nothing comes after this. */
  | { readonly type: 'end' };

/** What came of a job. */
export type MediumResult =
  | {
      readonly ok: true;
      /** Bytes written by a flush, or found not to be durable by a measurement. */
      readonly bytes: number;
      /** Of a cut or an image. */
      readonly losses: Losses;
    }
  | { readonly ok: false; readonly code: string; readonly errno: number; readonly syscall: string; readonly message: string };
