import { nearest } from '@vpmem/options';
import { declarationOf, OPTION_NAMES, type OptionName, type ProgramName } from './option-table.ts';
import { SetupError } from './setup-error.ts';

/** An option as it was typed. */
export interface GivenOption {
  readonly name: OptionName;
  /** Its argument; empty where it takes none. */
  readonly text: string;
}

/** Options whose argument may be `help`. */
export type DescribableOption = 'object' | 'device' | 'machine' | 'chardev' | 'msg';

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: 'run'; readonly options: readonly GivenOption[]; readonly words: readonly string[] }
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  | { readonly action: 'describe'; readonly option: DescribableOption; readonly type?: string };

const BY_WORD = new Map(OPTION_NAMES.flatMap((name) => [name, ...(declarationOf(name).aliases ?? [])].map((word) => [word, name] as const)));

/** Reads the words after the program's name. `-help`, `-version` and `-object help` are obeyed as soon as they are met. @throws SetupError */
export function readCommandLine(words: readonly string[], program: ProgramName): CommandLine {
  const options: GivenOption[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const name = optionName(word, program);
    if (name === 'help' || name === 'version') return { action: name };
    const { argument, again, refusedBy } = declarationOf(name);
    const refusal = refusedBy?.[program];
    if (refusal !== undefined) throw new SetupError(`${word}: ${program} does not take it: ${refusal}`);
    if (argument === undefined) {
      options.push({ name, text: '' });
      continue;
    }
    const text = words[++i];
    if (text === undefined) throw new SetupError(`${word}: requires an argument: ${word} ${argument}`);
    const question = isDescribable(name) ? questionAbout(name, text) : undefined;
    if (question !== undefined) return question;
    if (again === 'refused' && options.some((earlier) => earlier.name === name)) throw new SetupError(`${word} ${text}: there is one already; give -${name} once`);
    options.push({ name, text });
  }
  return { action: 'run', options, words };
}

function optionName(word: string, program: ProgramName): OptionName {
  const plain = word.replace(/^--?/, '');
  const name = word.startsWith('-') ? BY_WORD.get(plain) : undefined;
  if (name !== undefined) return name;
  const near = word.startsWith('-') ? nearest(plain, [...BY_WORD.keys()].filter((candidate) => candidate.length > 1)) : undefined;
  const question = near === undefined ? ';' : `: did you mean -${near}?`;
  throw new SetupError(`${word}: invalid option${question} ${program} -help lists those there are`);
}

/** `help`, and where nobody else reads an option's properties `TYPE,help`. */
function questionAbout(option: DescribableOption, text: string): CommandLine | undefined {
  const asked = /^(?:(?<type>[^,=]*),)?(?:help|\?)$/.exec(text);
  if (asked === null) return undefined;
  const type = asked.groups?.type;
  // All machines have the same properties.
  if (type === undefined || option === 'machine') return { action: 'describe', option };
  return option === 'chardev' ? { action: 'describe', option, type } : undefined;
}

function isDescribable(name: OptionName): name is DescribableOption {
  return declarationOf(name).syntax?.help === true;
}
