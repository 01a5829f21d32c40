import { declarationOf, OPTION_NAMES, OPTION_SECTIONS, type OptionName, type ProgramName } from './option-table.ts';

/** Column in which explanations begin. */
const COLUMN = 22;

/** What `-help` prints between what the program itself has to say. */
export function describeOptions(program: ProgramName): string {
  return OPTION_SECTIONS.flatMap((section) => {
    const names = OPTION_NAMES.filter((name) => declarationOf(name).section === section && declarationOf(name).refusedBy?.[program] === undefined);
    return [`${section}:`, ...names.flatMap(describeOption), ''];
  }).join('\n');
}

function describeOption(name: OptionName): string[] {
  const { argument, aliases = [], help } = declarationOf(name);
  const words = [name, ...aliases].map((word) => `-${word}`).join(', ');
  const head = `  ${words}${argument === undefined ? '' : ` ${argument}`}`;
  const indented = help.map((line) => `${' '.repeat(COLUMN)}${line}`);
  const [first = '', ...rest] = indented;
  return head.length < COLUMN - 1 ? [head.padEnd(COLUMN) + first.trimStart(), ...rest] : [head, ...indented];
}
