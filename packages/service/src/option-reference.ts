import { declarationOf, OPTION_NAMES, OPTION_SECTIONS, type OptionDeclaration, type OptionName } from './option-table.ts';

/** The page docs/options.md, in Markdown. */
export function optionReference(): string {
  const sections = OPTION_SECTIONS.flatMap((section) => [
    `## ${section}`,
    '',
    '| option | what it does | again |',
    '| --- | --- | --- |',
    ...OPTION_NAMES.filter((name) => declarationOf(name).section === section).map(row),
    '',
  ]);
  return [...INTRODUCTION, '', ...sections, ...FILES, ''].join('\n');
}

const INTRODUCTION = [
  '# Options of `vpmemd` and `vpmem run`',
  '',
  '<!-- Made from packages/service/src/option-table.ts; its test says how to make it anew. -->',
  '',
  "Options are QEMU's, with one dash or two. They may come in any order: objects are made before devices, each kind in the order",
  'given. Everything is checked before anything is made; a mistake is one line on stderr and exit status 1.',
  '',
  'What a type takes is told by `-object help`, `-object TYPE,help`, and likewise for `-device` and `-chardev`.',
];

const FILES = [
  '## Files of `-readconfig`',
  '',
  "QEMU's form. A section has the name of an option, and its id if it has one; a property stands on a line of its own:",
  '',
  '```ini',
  '# comments begin like this',
  '[object "mem1"]',
  '  qom-type = "memory-backend-file"',
  '  mem-path = "/srv/pmem/vm1.img"',
  '  size = "4G"',
  '  share = "on"',
  '',
  '[device "nv1"]',
  '  driver = "virtio-pmem-pci"',
  '  memdev = "mem1"',
  '```',
  '',
  'Sections are',
  `${groups().join(', ')}.`,
  'A value stands in double quotes and has no escapes: a backslash or a comma in it means itself. What QEMU misreads without a',
  'word (a value without quotes, text behind a value, a section without its bracket) is an error here, told as `FILE:LINE: …`. Beyond',
  'QEMU, blanks around `=` may be left out, and comments may be indented.',
];

function groups(): string[] {
  return OPTION_NAMES.flatMap((name) => declarationOf(name).group ?? []).map((group) => `\`[${group}]\``);
}

const AGAIN = { adds: 'one more', merges: 'later properties win', refused: 'a mistake' } as const;

function row(name: OptionName): string {
  const { argument, aliases = [], again, help, refusedBy = {} }: OptionDeclaration = declarationOf(name);
  const words = [name, ...aliases].map((word, index) => `\`-${word}${index === 0 && argument !== undefined ? ` ${argument}` : ''}\``);
  const refusals = Object.entries(refusedBy).map(([program, why]) => `Not for \`${program}\`: ${why}.`);
  const text = [`${help.join(' ')}.`, ...refusals].join(' ');
  return `| ${[words.join(', '), text, again === undefined ? '' : AGAIN[again]].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
