import { MalformedError } from './file/byte-source.ts';
import type { Frames, RecordingEnding } from './file/frame-scan.ts';
import { Timeline } from './timeline.ts';

/** What the frames mean, as far as they mean something; those behind are forgotten. */
export function wholeMoments({ table, ending }: Frames): { readonly timeline: Timeline; readonly ending: RecordingEnding } {
  const timeline = new Timeline(table);
  const forget = (frame: number, kind: RecordingEnding['kind'], text: string): { timeline: Timeline; ending: RecordingEnding } => {
    const { offset } = table.row(frame);
    table.truncate(frame);
    return { timeline, ending: { kind, offset, text } };
  };
  for (let frame = 0; frame < table.length; frame++) {
    try {
      timeline.take();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return forget(Math.min(frame, timeline.whole), 'damaged', error.message);
    }
  }
  return timeline.whole < table.length ? forget(timeline.whole, ending.kind, ending.text) : { timeline, ending };
}
