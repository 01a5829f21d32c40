/** What is wrong with a recording, or with what was asked of it. */
export type RecordingProblem =
  /** No recording, or one of another version. */
  | 'not-a-recording'
  /** Its bytes are not what was written. */
  | 'damaged'
  /** It ends before anything can be read. */
  | 'cut-off'
  /** There is no such flush, page, moment …, or the text names none. */
  | 'no-such-state'
  /** What a writer was given cannot be recorded. */
  | 'bad-input'
  /** There is such a file already. */
  | 'exists'
  /** The file could not be written to its end; what was written before can be read. */
  | 'write-failed';

/** The host's own trouble with a recording. The message is one line. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly code: RecordingProblem;
  /** Bytes from the start of the file, where that says anything. */
  readonly offset: number | undefined;

  constructor(code: RecordingProblem, message: string, options: { readonly offset?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.offset = options.offset;
  }
}
