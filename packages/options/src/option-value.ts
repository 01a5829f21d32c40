/**
 * One value as it was written. Text gives strings, and with keyval objects and arrays of them; JSON gives every type,
 * integers beyond 2^53 as bigint.
 */
export type OptionValue = string | number | bigint | boolean | null | readonly OptionValue[] | Properties;

/** Values by parameter name. Own properties only: a user may well write `constructor=x`. */
export interface Properties {
  readonly [name: string]: OptionValue;
}

/** One `name=value` of QemuOpts text. */
export interface OptionEntry {
  readonly name: string;
  readonly value: string;
}

/** Something accepted that should be written otherwise. The parsers return warnings and print nothing. */
export interface OptionWarning {
  readonly code: 'bare-flag';
  readonly parameter: string;
  /** What to write instead: `share=on`. */
  readonly instead: string;
  /** One line for people. */
  readonly message: string;
}

/** Something accepted that changes nothing. */
export interface NoEffectWarning {
  readonly code: 'no-effect';
  readonly parameter: string;
  /** One line for people. */
  readonly message: string;
}

/** An option after its grammar, before its types. */
export interface ParsedOption {
  /** Decides how `readProperties` types the values: text leniently, as QEMU does, JSON strictly. */
  readonly form: 'text' | 'json';
  readonly properties: Properties;
  /** QemuOpts text only: all that was written, in order, repeats included. List properties are read from it. */
  readonly entries?: readonly OptionEntry[];
  /** Whether `help` or `?` stood among the elements. */
  readonly help: boolean;
  readonly warnings: readonly OptionWarning[];
}

/** The part of a `ParsedOption` that values are read from; QMP arguments are `{ form: 'json', properties }`. */
export type PropertySource = Pick<ParsedOption, 'form' | 'properties' | 'entries'>;

/** Levels that keys and JSON may nest: QEMU's limit for JSON, kept for keyval too. Deeper is an `OptionError` `too-deep`. */
export const MAX_DEPTH = 1024;
