import { isZero, type BaseExtent } from './base-content.ts';
import { PAGE_SIZE } from './file/file-header.ts';
import { FRAME } from './file/frame.ts';
import type { ImageTarget } from './image-target.ts';
import { PAGE_WORDS, type PageChanges } from './page-changes.ts';
import { RecordingError } from './recording-error.ts';
import { NOTHING, select, type Selection } from './selection.ts';
import { formatState, parseState, type RecordedState } from './state-text.ts';
import type { RecordedWindow } from './timeline.ts';
import type { PageChoice, WindowContents } from './window-contents.ts';

/** What images are made of: a recording that is open is one. */
export interface ImageSource {
  readonly size: number;
  readonly start: number;
  base(): Iterable<BaseExtent>;
  window(wanted: RecordedState['window']): RecordedWindow;
  contents(window: RecordedWindow): WindowContents;
  frameType(frame: number): number;
  changes(frame: number): PageChanges;
}

/**
 * Takes one image from state to state of a recording. To another state of the same window takes as long as the pages in which the two
 * differ; to another window as long as all that was recorded between the two, forwards or backwards.
 *
 * Changes are added and taken back by XOR, so nothing of the image is kept: whoever else writes to it puts back what was there first.
 */
export class ImageBuilder {
  readonly #recording: ImageSource;
  readonly #target: ImageTarget;
  readonly #sum = new Int32Array(PAGE_WORDS);
  /** All changes in frames before this one are in the image, and none of the others but those of the state. */
  #position: number;
  #contents: WindowContents | undefined;
  #selection: Selection = () => NOTHING;
  #state: RecordedState | undefined;

  /** `target` reads as zeroes; it gets what was durable when the recording began. @throws RecordingError bad-input, damaged */
  constructor(recording: ImageSource, target: ImageTarget) {
    if (target.size !== recording.size) throw new RecordingError('bad-input', `an image of ${target.size} bytes; the recording is of ${recording.size}`);
    this.#recording = recording;
    this.#target = target;
    this.#position = recording.start;
    for (const { at, bytes } of recording.base()) this.#writeSparse(at, bytes);
  }

  /** The state that the image has; undefined before the first. */
  get state(): RecordedState | undefined {
    return this.#state;
  }

  /** Makes the image that of `state`. @throws RecordingError no-such-state, and nothing has changed; damaged */
  apply(state: RecordedState | string): void {
    const wanted = typeof state === 'string' ? parseState(state) : state;
    const window = this.#recording.window(wanted.window);
    const contents = this.#contents?.window === window ? this.#contents : this.#recording.contents(window);
    const selection = select(wanted, contents);
    if (contents !== this.#contents) {
      this.#leave();
      this.#moveTo(window.from);
      this.#contents = contents;
    }
    this.#change(contents, selection);
    this.#state = wanted;
  }

  /** Makes the image what was durable before the window that it is in. */
  undo(): void {
    if (this.#contents === undefined) return;
    this.#change(this.#contents, () => NOTHING);
    this.#state = { window: this.#contents.window, choice: { kind: 'none' } };
  }

  /** The text of the state that the image has, which makes it anew anywhere. */
  describe(): string | undefined {
    return this.#state === undefined ? undefined : formatState(this.#state);
  }

  /** Out of the window, to a place between frames: back to its beginning, or on to its target if all of it is in the image. */
  #leave(): void {
    const choice = this.#state?.choice;
    if (this.#contents !== undefined && choice?.kind === 'all' && choice.moment === undefined) {
      this.#position = this.#contents.window.target;
      this.#selection = () => NOTHING;
    } else this.undo();
    this.#contents = undefined;
  }

  #change(contents: WindowContents, selection: Selection): void {
    for (let place = 0; place < contents.pages.length; place++) {
      const [before, after] = [this.#selection(place), selection(place)];
      if (isSame(before, after)) continue;
      this.#sum.fill(0);
      contents.addDifference(place, before, after, this.#sum);
      this.#target.xorPage(contents.pages[place] ?? 0, this.#sum);
    }
    this.#selection = selection;
  }

  /** Adds the changes between here and there, or takes them back: it is the same. */
  #moveTo(position: number): void {
    const step = position > this.#position ? 1 : -1;
    while (this.#position !== position) {
      const frame = step > 0 ? this.#position : this.#position - 1;
      if (this.#recording.frameType(frame) === FRAME.pages) this.#addFrame(frame);
      this.#position += step;
    }
  }

  #addFrame(frame: number): void {
    const changes = this.#recording.changes(frame);
    for (const [index, page] of changes.pages.entries()) {
      this.#sum.fill(0);
      changes.xorInto(index, this.#sum);
      this.#target.xorPage(page, this.#sum);
    }
  }

  /** Leaves holes where whole pages are zeroes. */
  #writeSparse(at: number, bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; ) {
      let end = start;
      while (end < bytes.length && !isZero(bytes.subarray(end, end + PAGE_SIZE))) end += PAGE_SIZE;
      if (end > start) this.#target.write(at + start, bytes.subarray(start, end));
      start = end + PAGE_SIZE;
    }
  }
}

function isSame(a: PageChoice, b: PageChoice): boolean {
  return a === b || (a.units === undefined && b.units === undefined && a.moment === b.moment);
}
