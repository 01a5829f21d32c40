import { isHelp } from './bare-word.ts';
import { escapeValue } from './comma-text.ts';
import { splitKey } from './keyval-key.ts';
import { OptionError } from './option-error.ts';
import type { OptionEntry, OptionValue } from './option-value.ts';
import type { Grammar, OptionSyntax } from './parse-option.ts';

/** Values by name; undefined ones are left out. */
export type PrintableProperties = Readonly<Record<string, OptionValue | undefined>>;

/** The syntax to write. Default QemuOpts without an implied key. */
export type PrintSyntax = Partial<Pick<OptionSyntax, 'grammar' | 'impliedKey'>>;

/**
 * Writes properties as text that `parseOption` reads back in the same syntax, all values as strings. The implied key comes
 * first and without its name where the grammar can tell. Arrays repeat their name in QemuOpts; in keyval they and objects
 * become dotted keys.
 *
 * Throws `OptionError`: `unprintable` for null, empty arrays and objects, objects in QemuOpts and names that it cannot hold; for
 * names that keyval cannot hold what its parser throws.
 */
export function formatProperties(properties: PrintableProperties, syntax: PrintSyntax = {}): string {
  const { grammar = 'qemuopts', impliedKey } = syntax;
  const elements = Object.entries(properties).flatMap(([name, value]) => (value === undefined ? [] : [...leaves(name, value, grammar)]));
  const implied = elements.findIndex(({ name, value }) => name === impliedKey && canBeBare(value, grammar));
  const [first] = implied === -1 ? [] : elements.splice(implied, 1);
  const written = elements.map(({ name, value }) => `${checkedKey(name, grammar)}=${escapeValue(value)}`);
  return (first === undefined ? written : [escapeValue(first.value), ...written]).join(',');
}

function* leaves(name: string, value: OptionValue, grammar: Grammar): Generator<OptionEntry> {
  if (typeof value === 'boolean') {
    yield { name, value: value ? 'on' : 'off' };
  } else if (typeof value !== 'object') {
    yield { name, value: String(value) };
  } else {
    const members = Object.entries<OptionValue>(value ?? {});
    if (members.length === 0) throw unprintable(name, 'an empty value');
    for (const [key, member] of members) {
      if (grammar === 'keyval') yield* leaves(`${name}.${key}`, member, grammar);
      else if (Array.isArray(value) && typeof member !== 'object') yield* leaves(name, member, grammar);
      else throw unprintable(name, 'an object or a nested array');
    }
  }
}

/** Whether the first element can be this value alone, and is not taken for something else. */
function canBeBare(value: string, grammar: Grammar): boolean {
  const [word = ''] = value.split(',', 1);
  if (value === '' || value.startsWith('{') || isHelp(word)) return false;
  return !(grammar === 'keyval' ? /[=,]/ : /=/).test(value);
}

function checkedKey(name: string, grammar: Grammar): string {
  if (grammar === 'keyval') splitKey(name);
  else if (name === '' || name.startsWith('{') || /[=,]/.test(name)) throw unprintable(name, 'such a name');
  return name;
}

function unprintable(parameter: string, what: string): OptionError {
  return new OptionError('unprintable', `Parameter '${parameter}' cannot be written as text, which has no form for ${what}`, {
    parameter,
    hint: 'Use the JSON form, which can hold it.',
  });
}
