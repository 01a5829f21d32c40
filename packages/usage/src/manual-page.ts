import { describeProperties, type PropertySchema } from '@vpmem/options';
import type { ArgumentUsage, CommandUsage, OptionUsage } from './command-usage.ts';
import { bold, entry, italic, roffText, roffWord } from './roff.ts';

/** What a page says beside what the tables do. */
export interface PageText {
  readonly version: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** Paragraphs under the synopsis. */
  readonly description: readonly string[];
  /** Further sections by their names, each of paragraphs. */
  readonly sections?: Readonly<Record<string, readonly string[]>>;
  /** Other pages, such as `vpmemd(1)`. */
  readonly seeAlso: readonly string[];
}

/** The manual page of a command in section 1, in the man macros of roff. */
export function manualPage(command: CommandUsage, { version, date, description, sections = {}, seeAlso }: PageText): string {
  const lines = [
    `.TH ${roffWord(command.name.replaceAll(' ', '-').toUpperCase())} 1 "${date}" ${roffWord(`vpmem ${version}`)} ""`,
    // What is typed is neither split nor stretched.
    '.nh',
    '.ad l',
    '.SH NAME',
    `${roffText(command.name.replaceAll(' ', '-'))} \\- ${roffText(command.description)}`,
    '.SH SYNOPSIS',
    synopsis(command),
    '.SH DESCRIPTION',
    ...paragraphs(description),
    ...optionSections(command.options),
    ...(command.commands.length === 0 ? [] : ['.SH COMMANDS', ...command.commands.flatMap((each) => commandSection(each, `${command.name} `))]),
    ...typeSections(command.options),
    ...Object.entries(sections).flatMap(([name, text]) => [`.SH ${roffWord(name.toUpperCase())}`, ...paragraphs(text)]),
    '.SH SEE ALSO',
    seeAlso.map((page) => page.replace(/^(.+)(\(.+\))$/, (_, name: string, section: string) => bold(name) + section)).join(', '),
  ];
  return `${lines.join('\n')}\n`;
}

function paragraphs(text: readonly string[]): string[] {
  return text.flatMap((each, i) => [...(i === 0 ? [] : ['.PP']), roffText(each)]);
}

function synopsis(command: CommandUsage, before = ''): string {
  const rest = command.synopsis ?? [...(command.options.length === 0 ? [] : ['[options]']), ...(command.commands.length === 0 ? [] : ['command']), ...command.arguments.map(argumentWord)].join(' ');
  return [bold(`${before}${command.name}`), roffText(rest)].filter((part) => part !== '').join(' ');
}

function argumentWord({ name, required, many }: ArgumentUsage): string {
  const word = `${name}${many ? '…' : ''}`;
  return required ? `<${word}>` : `[${word}]`;
}

/** Those without a section of their own under OPTIONS. */
function optionSections(options: readonly OptionUsage[]): string[] {
  const names = [...new Set(options.map(({ section }) => section))];
  const under = (name: string | undefined): string[] => options.filter(({ section }) => section === name).flatMap(optionEntry);
  return options.length === 0 ? [] : ['.SH OPTIONS', ...names.flatMap((name) => [...(name === undefined ? [] : [`.SS ${roffWord(name)}`]), ...under(name)])];
}

function optionEntry({ words, argument, description }: OptionUsage): string[] {
  const head = words.map(bold).join(', ') + (argument === undefined ? '' : ` ${italic(argument.name)}`);
  return entry(head, sentence(description));
}

function commandSection(command: CommandUsage, before: string): string[] {
  return [
    `.SS ${roffWord(before + command.name)}`,
    synopsis(command, before),
    '.PP',
    roffText(sentence(command.description)),
    ...command.arguments.filter(({ description }) => description !== '').flatMap(({ name, description }) => entry(italic(name), sentence(description))),
    ...command.options.flatMap(optionEntry),
    ...command.commands.flatMap((each) => commandSection(each, `${before}${command.name} `)),
  ];
}

/** What the types of options that have some take. */
function typeSections(options: readonly OptionUsage[]): string[] {
  return options.flatMap(({ words, argument }) => {
    if (argument?.value.kind !== 'properties') return [];
    const types = Object.entries(argument.value.types).filter(([, schema]) => describeProperties(schema).length > 0);
    return types.length === 0 ? [] : [`.SH ${roffWord(`PROPERTIES OF ${words[0] ?? ''}`)}`, ...types.flatMap(([type, schema]) => typeSection(type, schema))];
  });
}

function typeSection(type: string, schema: PropertySchema): string[] {
  const entries = describeProperties(schema).map((line) => /^ {2}([^=]+)=<(.*?)>(?: +- (.*))?$/.exec(line));
  return [...(type === '' ? [] : [`.SS ${roffWord(type)}`]), ...entries.flatMap((match) => (match === null ? [] : entry(`${bold(match[1] ?? '')}=${italic(match[2] ?? '')}`, sentence(match[3] ?? ''))))];
}

function sentence(text: string): string {
  return text === '' || /[.!?:)]$/.test(text) ? text : `${text}.`;
}
