import { parseState, type RecordedState, type Recording } from '@vpmem/recording';
import type { CheckAnswer, CheckPlace } from './check-place.ts';
import { Job } from './run/job.ts';
import { PromisedMarks } from './run/promised-marks.ts';

/** What a checker says of one state. */
export interface CheckedState {
  /** What was promised in it, oldest first. */
  readonly marks: readonly string[];
  readonly answer: CheckAnswer;
}

/** Looks at one state, as `explore` does; the place stays open. @throws RecordingError no-such-state, damaged; ExploreError if the checker is broken */
export async function checkState(recording: Recording, state: RecordedState | string, place: CheckPlace): Promise<CheckedState> {
  const wanted = typeof state === 'string' ? parseState(state) : state;
  const window = recording.window(wanted.window);
  const marks = new PromisedMarks(recording);
  const answer = await new Job(recording, marks, place, new AbortController().signal).check(wanted, recording.contents(window));
  return { marks: marks.texts(window), answer };
}
