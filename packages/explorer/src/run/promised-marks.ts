import type { RecordedMark, RecordedWindow, Recording } from '@vpmem/recording';

/** The marks of a recording, and which of them are promised in a window. */
export class PromisedMarks {
  /** In the order of time; microseconds since the start. */
  readonly all: readonly RecordedMark[];

  constructor(recording: Recording) {
    this.all = [...recording.marks()];
  }

  /**
   * How many marks, from the first, are promised: those made before the window's flush was asked for. A mark behind may come of what that flush is
   * to make durable. A cut, and the end of the recording, come after all marks before them.
   */
  count({ asked, to }: RecordedWindow): number {
    const before = asked ?? to;
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.all[middle]?.frame ?? 0) < before) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  texts(window: RecordedWindow): readonly string[] {
    return this.all.slice(0, this.count(window)).map(({ text }) => text);
  }
}
