import { decodeCut, decodeNumbered, decodeText, type CutDescription } from './file/event-payload.ts';
import type { FrameStore } from './file/frame-store.ts';
import type { FrameTable } from './file/frame-table.ts';
import { causeOf, FRAME, MORE, statusOf, type FlushStatus, type PagesCause } from './file/frame.ts';

/** Something that happened while it was recorded. */
export type RecordedEvent = {
  /** The frame that says so. */
  readonly frame: number;
  /** Microseconds since the recording's start. */
  readonly time: number;
} & (
  | { readonly type: 'asked'; readonly flush: number }
  | { readonly type: 'pages'; readonly cause: PagesCause; readonly pages: number }
  /** `text` says why it failed. */
  | { readonly type: 'answered'; readonly flush: number; readonly status: FlushStatus; readonly text: string }
  | { readonly type: 'mark' | 'reset' | 'incomplete'; readonly text: string }
  | { readonly type: 'client'; readonly change: 'came' | 'left'; readonly text: string }
  | { readonly type: 'cut'; readonly cut: CutDescription }
  | { readonly type: 'end' }
);

/** A text at its place among the flushes. */
export interface RecordedMark {
  /** The frame that says so. */
  readonly frame: number;
  /** Microseconds since the recording's start. */
  readonly time: number;
  readonly text: string;
}

/** @throws RecordingError damaged */
export function* readEvents(table: FrameTable, store: FrameStore, from: number, to: number): Generator<RecordedEvent> {
  let pages = 0;
  for (let frame = from; frame < to; frame++) {
    const flags = table.flags(frame);
    const at = { frame, time: table.time(frame) };
    switch (table.type(frame)) {
      case FRAME.asked:
        yield { ...at, type: 'asked', flush: table.row(frame).number };
        break;
      case FRAME.pages:
        pages += store.changes(frame).pages.length;
        if ((flags & MORE) !== 0) break;
        yield { ...at, type: 'pages', cause: causeOf(flags) ?? 'again', pages };
        pages = 0;
        break;
      case FRAME.answered: {
        const { number, text } = store.decoded(frame, decodeNumbered);
        yield { ...at, type: 'answered', flush: number, status: statusOf(flags) ?? 'failed', text };
        break;
      }
      case FRAME.mark:
        yield { ...at, type: 'mark', text: store.decoded(frame, decodeText) };
        break;
      case FRAME.reset:
        yield { ...at, type: 'reset', text: store.decoded(frame, decodeText) };
        break;
      case FRAME.incomplete:
        yield { ...at, type: 'incomplete', text: store.decoded(frame, decodeText) };
        break;
      case FRAME.client:
        yield { ...at, type: 'client', change: flags === 1 ? 'came' : 'left', text: store.decoded(frame, decodeText) };
        break;
      case FRAME.cut:
        yield { ...at, type: 'cut', cut: store.decoded(frame, decodeCut) };
        break;
      case FRAME.end:
        yield { ...at, type: 'end' };
        break;
      default:
    }
  }
}
