import { formatState, ImageBuilder, windowName, type RecordedState, type Recording, type WindowContents } from '@vpmem/recording';
import { ExploreError, type CheckAnswer, type CheckPlace, type CheckQuestion } from '../check-place.ts';
import type { PromisedMarks } from './promised-marks.ts';

/** Pages of a window of which is asked whether they are read. */
const MOST_WATCHED = 1024;

/** One place and the image in it. It does one thing at a time. */
export class Job {
  readonly place: CheckPlace;
  readonly #builder: ImageBuilder;
  readonly #marks: PromisedMarks;
  readonly #signal: AbortSignal;
  /** Checks of states so far. */
  checks = 0;

  /** The place's image gets what was durable as the recording began. Once `signal` is aborted no answer counts. @throws RecordingError bad-input, damaged */
  constructor(recording: Recording, marks: PromisedMarks, place: CheckPlace, signal: AbortSignal) {
    this.place = place;
    this.#signal = signal;
    this.#marks = marks;
    this.#builder = new ImageBuilder(recording, place.target);
  }

  /** @throws ExploreError if the checker is broken; the signal's reason; whatever the place throws */
  async check(state: RecordedState, contents: WindowContents, { trace = false }: { readonly trace?: boolean } = {}): Promise<CheckAnswer> {
    this.#builder.apply(state);
    const isWatched = contents.pages.length <= MOST_WATCHED;
    const question = { ...this.#question(formatState(state), contents, isWatched ? [...contents.pages] : []), ...(trace && { trace }) };
    const answer = this.#whole(await this.place.check(question), question);
    this.checks++;
    return isWatched ? answer : { ...answer, reads: undefined };
  }

  /** The same of a disk that holds nothing, with what is promised in a window. */
  async checkBlank(contents: WindowContents): Promise<CheckAnswer> {
    const question = this.#question('blank', contents, []);
    return this.#whole(await this.place.checkBlank(question), question);
  }

  #question(state: string, { window }: WindowContents, watch: readonly number[]): CheckQuestion {
    return { state, window: windowName(window), marks: this.#marks.texts(window), watch };
  }

  #whole(answer: CheckAnswer, { state }: CheckQuestion): CheckAnswer {
    // A checker that was ended says anything.
    this.#signal.throwIfAborted();
    if (answer.verdict !== 'broken') return answer;
    throw new ExploreError(`the checker could not do its work at ${state}${answer.signature === '' ? '' : `: ${answer.signature}`}; nothing is known then; fix the checker first`);
  }
}
