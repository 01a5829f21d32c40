import { helpUnavailable, isHelp, readFlag } from './bare-word.ts';
import { keyEnd, readValue } from './comma-text.ts';
import { parseIdentifier } from './identifier.ts';
import { OptionError } from './option-error.ts';
import type { OptionEntry, OptionWarning, Properties } from './option-value.ts';

/** What an entry point makes of words without `=`. */
export interface QemuOptsSyntax {
  /** The key of a first element without `=`: `driver` for -device. */
  readonly impliedKey?: string;
  /** Whether `help` and `?` are a request that the caller answers; otherwise they are an error. */
  readonly help?: boolean;
}

/** The outcome of QemuOpts text. */
export interface QemuOpts {
  /** The last value of each name, but the first `id`. */
  readonly properties: Properties;
  readonly entries: readonly OptionEntry[];
  readonly help: boolean;
  readonly warnings: readonly OptionWarning[];
}

/**
 * Parses the syntax of -object, -device, -m, -mon and -chardev. Keys are not judged here beyond being there.
 *
 * Throws `OptionError`: `invalid-key` for an element without a name, `invalid-value` for an `id` that is none, `help-unavailable`.
 */
export function parseQemuOpts(text: string, { impliedKey, help: offersHelp = false }: QemuOptsSyntax): QemuOpts {
  const entries: OptionEntry[] = [];
  const warnings: OptionWarning[] = [];
  let help = false;

  let next = 0;
  while (next < text.length) {
    const start = next;
    const end = keyEnd(text, start);
    const word = text.slice(start, end);
    if (text[end] === '=') {
      const read = readValue(text, end + 1);
      entries.push({ name: named(word, text, start), value: read.value });
      next = read.next;
    } else if (isHelp(word)) {
      if (!offersHelp) throw helpUnavailable(word);
      help = true;
      next = end + 1;
    } else if (start === 0 && impliedKey !== undefined) {
      const read = readValue(text, start);
      entries.push({ name: impliedKey, value: read.value });
      next = read.next;
    } else {
      const { name, value, warning } = readFlag(word);
      entries.push({ name: named(name, text, start), value });
      warnings.push(warning);
      next = end + 1;
    }
  }

  const properties = new Map(entries.map(({ name, value }) => [name, value]));
  const id = entries.find(({ name }) => name === 'id')?.value;
  if (id !== undefined) properties.set('id', parseIdentifier(id, 'id'));
  return { properties: Object.fromEntries(properties), entries, help, warnings };
}

function named(name: string, text: string, start: number): string {
  if (name !== '') return name;
  const found = text.slice(start, keyEnd(text, start) + 1);
  throw new OptionError('invalid-key', `Expected a parameter name at character ${start + 1}, found '${found}'`, {
    parameter: '',
    hint: "Write name=value, and ',,' for a comma inside a value.",
  });
}
