import { OptionError } from './option-error.ts';

/** Whether `text` can be an `id`: a letter, then letters, digits, `-`, `.` and `_`. */
export function isIdentifier(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9._-]*$/.test(text);
}

/** `text`, if it is an identifier; otherwise an `OptionError` `invalid-value`. */
export function parseIdentifier(text: string, parameter: string): string {
  if (isIdentifier(text)) return text;
  throw new OptionError('invalid-value', `Parameter '${parameter}' expects an identifier, not '${text}'`, {
    parameter,
    hint: "Identifiers start with a letter; letters, digits, '-', '.' and '_' follow.",
  });
}
