/** What was wrong with an option; programs decide by it, people read the message. */
export type OptionErrorCode =
  /** A key is empty or not written as the grammar asks. */
  | 'invalid-key'
  /** A part of a keyval key has more than 127 characters. */
  | 'key-too-long'
  /** A keyval element is a bare word where flags are not accepted. */
  | 'missing-equals'
  /** keyval keys make one parameter a value, an object and an array at once. */
  | 'inconsistent-keys'
  /** keyval indexes leave a gap. */
  | 'missing-element'
  /** Keys or JSON nest deeper than 1024 levels. */
  | 'too-deep'
  /** `help` was asked for where there is none. */
  | 'help-unavailable'
  /** The JSON form is not JSON. */
  | 'json-syntax'
  /** The JSON form has a key twice in one object. */
  | 'duplicate-key'
  /** A value is not one of its type. */
  | 'invalid-value'
  /** A number lies outside what its type or the schema allows. */
  | 'out-of-range'
  /** A size that QEMU's grammar allows, but that a JavaScript number cannot hold exactly. */
  | 'size-unsupported'
  /** JSON of another type, or an object or array where one value belongs. */
  | 'wrong-type'
  /** The schema has no such parameter. */
  | 'unknown-parameter'
  /** The parameter exists in QEMU and is refused here. */
  | 'refused-parameter'
  /** A required parameter was not given. */
  | 'missing-parameter'
  /** Properties cannot be written as text that parses back. */
  | 'unprintable';

/** What else an `OptionError` can tell. */
export interface OptionErrorDetails {
  /** The parameter concerned, as the user wrote it. */
  readonly parameter?: string;
  /** How to write it right: a sentence to print on a line of its own, as QEMU does with its hints. */
  readonly hint?: string;
}

/** A mistake in an option. The message is one line and stands without the hint. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
  readonly code: OptionErrorCode;
  readonly parameter?: string;
  readonly hint?: string;

  constructor(code: OptionErrorCode, message: string, details: OptionErrorDetails = {}) {
    super(message);
    this.code = code;
    if (details.parameter !== undefined) this.parameter = details.parameter;
    if (details.hint !== undefined) this.hint = details.hint;
  }
}
