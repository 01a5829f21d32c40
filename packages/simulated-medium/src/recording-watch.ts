import type { HeldMedium, RecordingOrder } from './medium-messages.ts';
import type { SavedRecording } from './medium-state.ts';
import type { MediumStatus, RecordingState } from './medium-status.ts';

type Begun = Pick<SavedRecording, 'path' | 'given' | 'interval'>;

/** What whoever asks a medium knows of its recording: the one that was begun last, until it is ended. */
export class RecordingWatch {
  readonly #failed: (recording: RecordingState) => void;
  readonly #counted: () => void;
  #begun: Begun | undefined;
  /** The recording of the backend, if that could not be begun. */
  #unbegun: (RecordingState & { readonly incomplete: string }) | undefined;
  #status: RecordingState | undefined;
  #told = false;

  /**
   * `failed` hears once of each into which nothing more gets; of one that another has begun only if it has not. `counted` hears when it is
   * known, later, what is in one of those.
   */
  constructor(failed: (recording: RecordingState) => void, continued?: SavedRecording, counted: () => void = () => undefined) {
    this.#failed = failed;
    this.#counted = counted;
    this.#begun = continued;
    // Until more is known.
    if (continued !== undefined) {
      const { path, flushes, marks, bytes, incomplete } = continued;
      this.#status = { path, flushes, marks, bytes, incomplete };
    }
    this.#told = continued?.incomplete !== undefined;
  }

  /** The recording of the backend, if that could not be begun. */
  get unbegun(): RecordingState | undefined {
    return this.#unbegun;
  }

  /** Returns what is to be called if it cannot be begun. */
  begins({ target, interval }: RecordingOrder): () => void {
    const before = this.#begun;
    const begun = { path: target.path, given: target.fd !== undefined, ...(interval !== undefined && { interval }) };
    this.#begun = begun;
    return () => {
      if (this.#begun === begun) this.#begun = before;
    };
  }

  /** That of the backend could not be begun. */
  lacks(path: string, reason: string): void {
    this.#unbegun = { path, flushes: 0, marks: 0, bytes: 0, incomplete: reason };
    this.#failed(this.#unbegun);
  }

  ended(): void {
    this.#begun = undefined;
  }

  learn({ recording }: MediumStatus): void {
    const [told, before] = [this.#told, this.#status];
    this.#status = recording;
    this.#told = recording?.incomplete !== undefined;
    if (recording?.incomplete === undefined) return;
    if (!told) this.#failed(recording);
    else if (recording.flushes !== before?.flushes || recording.marks !== before.marks) this.#counted();
  }

  /** For another that goes on; `held` is how far it has come, where that is known. */
  save(held: HeldMedium | undefined): SavedRecording | undefined {
    if (this.#begun === undefined) return this.#unbegun && { ...this.#unbegun, given: true };
    const { path, given, interval } = this.#begun;
    const { flushes = 0, marks = 0, bytes = 0, incomplete } = this.#status ?? {};
    return { flushes, marks, bytes, ...(incomplete !== undefined && { incomplete }), ...held?.recording, path, given, ...(interval !== undefined && { interval }) };
  }
}
