import { OPTION_NAMES, declarationOf } from './option-table.ts';

/** Options of the keeper, or of one start alone, and whether something stands after them. */
const NOT_KEPT: Readonly<Record<string, boolean>> = { keep: false, pidfile: true, takeover: true };

/** The words of a command line without those that only its keeper, or only its first process, is to have. */
export function keptWords(words: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const name = word.replace(/^--?/, '');
    const known = OPTION_NAMES.find((option) => option === name || declarationOf(option).aliases?.includes(name));
    const withArgument = NOT_KEPT[name] ?? (known !== undefined && declarationOf(known).argument !== undefined);
    const both = withArgument ? words.slice(i, i + 2) : [word];
    if (!Object.hasOwn(NOT_KEPT, name)) kept.push(...both);
    i += both.length - 1;
  }
  return kept;
}
