import { nearest } from '@vpmem/options';
import { declarationOf, OPTION_NAMES, type OptionName } from './option-table.ts';
import { SetupError } from './setup-error.ts';

/** One `NAME = "VALUE"` of a file. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** A section of a file: what one option of the command line says. */
export interface ConfigSection {
  readonly option: OptionName;
  readonly line: number;
  /** The `id` of the header is the first of them. */
  readonly entries: readonly ConfigEntry[];
}

const OPTION_OF = new Map(OPTION_NAMES.flatMap((name) => {
  const { group } = declarationOf(name);
  return group === undefined ? [] : [[group, name] as const];
}));

const BLANK = /^\s*(?:#.*)?$/;
const HEADER = /^\s*\[\s*(?<group>[^\s"\]]+)(?:\s*"(?<id>[^"]*)")?\s*\]\s*(?:#.*)?$/;
const ENTRY = /^\s*(?<name>[^\s=]+)\s*=\s*"(?<value>[^"]*)"\s*(?:#.*)?$/;

/**
 * Reads QEMU's form for files: `[GROUP "ID"]` or `[GROUP]`, then lines `NAME = "VALUE"`. A value has no escapes, so no double quote;
 * a comma in it is a comma. `#` begins a comment where QEMU takes it for one, at the start of a line, and where QEMU ignores
 * what follows. What QEMU would misread without a word, such as a value without quotes, is an error here.
 *
 * @param file for messages @throws SetupError `FILE:LINE: …`
 */
export function parseConfigFile(text: string, file: string): ConfigSection[] {
  const sections: { option: OptionName; line: number; entries: ConfigEntry[] }[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    const fail = (message: string): SetupError => new SetupError(`${file}:${line}: ${message}`);
    if (BLANK.test(content)) continue;
    const header = HEADER.exec(content)?.groups;
    if (header !== undefined) {
      const { group = '', id } = header;
      const option = OPTION_OF.get(group);
      if (option === undefined) throw fail(unknownGroup(group));
      sections.push({ option, line, entries: id === undefined ? [] : [{ name: 'id', value: id, line }] });
      continue;
    }
    if (content.trimStart().startsWith('[')) throw fail(`'${content.trim()}' is no section; write [object "ID"], or [name] for what has no id`);
    const entry = ENTRY.exec(content)?.groups;
    if (entry === undefined) throw fail(`'${content.trim()}' is no property; write NAME = "VALUE", with double quotes and without escapes`);
    const section = sections.at(-1);
    if (section === undefined) throw fail('there is a property before the first section; begin with one such as [object "ID"]');
    const { name = '', value = '' } = entry;
    // They would become part of the grammar the properties are read by.
    if (name.includes(',')) throw fail(`a property's name has no comma, but '${name}' has`);
    const earlier = section.entries.find((other) => other.name === name);
    if (earlier !== undefined) throw fail(`'${name}' is given twice, first at line ${earlier.line}; once is enough`);
    section.entries.push({ name, value, line });
  }
  return sections;
}

function unknownGroup(group: string): string {
  const groups = [...OPTION_OF.keys()];
  const near = nearest(group, groups);
  const other = OPTION_NAMES.find((name) => name === group);
  if (other !== undefined) return `-${other} is for the command line only; sections are ${groups.join(', ')}`;
  return `there is no section '${group}'${near === undefined ? '' : `: did you mean '${near}'?`}; there are ${groups.join(', ')}`;
}
