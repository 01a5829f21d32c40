import { formatState, windowName, type Recording, type RecordedState } from '@vpmem/recording';
import { ExploreError, type CheckAnswer } from '../check-place.ts';
import { isAnswered, type Settings } from './explore-options.ts';
import { isFailure, type Outcome } from './known-states.ts';
import type { Job } from './job.ts';
import type { PromisedMarks } from './promised-marks.ts';

/**
 * Looks whether the checker's word is worth anything: it has to be content with the whole of the last flush, and must not be with a disk that
 * holds nothing. Returns its answers, by state, for those who would ask again. @throws ExploreError
 */
export async function checkChecker(recording: Recording, marks: PromisedMarks, { first }: Pick<Settings, 'first'>, job: Job): Promise<ReadonlyMap<string, CheckAnswer>> {
  const last = recording.windows.findLast(isAnswered);
  const begin = recording.windows[first];
  if (last === undefined || begin === undefined) throw new RangeError(`window ${first} of ${recording.windows.length}`);
  const answers = new Map<string, CheckAnswer>();
  const ask = async (state: RecordedState): Promise<CheckAnswer> => {
    const answer = await job.check(state, recording.contents(recording.window(state.window)));
    answers.set(formatState(state), answer);
    return answer;
  };
  const all = await ask({ window: last, choice: { kind: 'all' } });
  if (all.verdict !== 'kept') {
    throw new ExploreError(`the checker says ${said(all)} of flush ${last.number} with nothing lost; of that it has to say kept (exit status 0), or it proves nothing`);
  }
  const blank = await job.checkBlank(recording.contents(last));
  if (!isFailure(blank)) {
    throw new ExploreError(`the checker says ${said(blank)} of a disk that holds nothing; of that it has to say violated (exit status 1), or it proves nothing`);
  }
  const none = await ask({ window: begin, choice: { kind: 'none' } });
  if (isFailure(none) && none.step === 'mount') {
    const hint = marks.all.slice(0, 1).map(({ text }) => `, or mark '${text}' if it was made after`).join('');
    throw new ExploreError(`before ${windowName(begin)} the disk cannot be mounted${none.signature === '' ? '' : ` (${none.signature})`}: there was no file system yet; give --from the first flush after it was made${hint}`);
  }
  return answers;
}

function said({ verdict, step, signature }: Outcome): string {
  const where = step === 'check' ? '' : ` at ${step}`;
  return `${verdict}${where}${signature === '' ? '' : ` (${signature})`}`;
}
