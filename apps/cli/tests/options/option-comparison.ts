import { LINE_FILES, linesDiffer, type CommandLineCase, type LineVerdict } from './command-line-case.ts';
import { COMMAND_LINES } from './command-line-cases.ts';
import { differs, type OptionCase, type OptionGroup, type Verdict } from './option-case.ts';
import { DEVICE_MEMORY, DEVICE_OBJECTS, NVDIMM_MEMORY, OPTION_CASES } from './option-cases.ts';

type Option = keyof typeof OPTION_CASES;

const INTRODUCTION = [
  '# Option strings: QEMU and vpmem side by side',
  '',
  '<!-- Made from apps/cli/tests/options/option-cases.ts and command-line-cases.ts. Make it anew, in apps/cli: vitest run --config ../../vitest.guest.config.ts -u -t "the page" -->',
  '',
  'What QEMU 11.1 and vpmem make of the same strings. A test gives each of them to a real QEMU and to vpmem, and fails when a row',
  'is no longer true, in either column. It also tries a thousand random sizes: QEMU and vpmem read the same number of bytes.',
  '',
  '*refused* always comes with an error that names the parameter and what would be right; where vpmem takes something that changes',
  'nothing, a warning says why. `4M.img` and `8M.img` are files of these sizes, `4M+1.img` has a byte more, `empty.img` none; `new.img`',
  'is not there.',
  '',
];

const SECTIONS: Readonly<Record<Option, { readonly title: string; readonly about: readonly string[] }>> = {
  '-object': { title: '`-object`', about: ['On a command line: QEMU, `vpmemd`, `vpmem run`.'] },
  object_add: {
    title: '`object_add`',
    about: ['At a monitor, where QEMU reads another grammar than on its command line: what it makes of types and values is the same.'],
  },
  '-device': {
    title: '`-device`',
    about: [
      "`vpmemd` serves devices to VMs, in a BAR each; `vpmem run` has them among the machine's memory devices, as QEMU does. The machine",
      `has \`-m ${DEVICE_MEMORY}\` and`,
      '',
      '```',
      ...DEVICE_OBJECTS.map((text) => `-object ${text}`),
      '```',
    ],
  },
  '-device nvdimm': {
    title: '`-device nvdimm`',
    about: [`Of a \`pc,nvdimm=on\` with \`-m ${NVDIMM_MEMORY}\` and the same objects; vpmem is \`vpmem run\`. \`vpmemd\` has no nvdimm: it is no PCI device.`],
  },
  '-m': { title: '`-m`, and `-machine memory.…`', about: ['Of a `q35`; vpmem is `vpmem run`. `vpmemd` has no RAM of its own.'] },
};

const WORDS = { accepts: 'accepted', help: 'help', crashes: '**crashes**', host: 'depends on the host' } as const;

/** The page docs/option-comparison.md, in Markdown. */
export function optionComparison(): string {
  const sections = Object.entries(OPTION_CASES).flatMap(([option, groups]) => section(option as Option, groups));
  return [...INTRODUCTION, ...summary(), ...sections, ...wholeLines()].join('\n');
}

function summary(): string[] {
  const rows = Object.entries(OPTION_CASES).map(([option, groups]) => {
    const cases = groups.flatMap((group) => group.cases);
    return `| ${SECTIONS[option as Option].title} | ${cases.length} | ${cases.filter(differs).length} |`;
  });
  const lines = COMMAND_LINES.flatMap((group) => group.lines);
  const whole = `| whole command lines of \`vpmem qemu\` | ${lines.length} | ${lines.filter(linesDiffer).length} |`;
  return ['| | strings | differences |', '| --- | --- | --- |', ...rows, whole, ''];
}

function wholeLines(): string[] {
  const title = 'Whole command lines';
  const files = Object.entries(LINE_FILES).flatMap(([name, text]) => ['', `\`${name}\`:`, '', '```ini', ...text.trimEnd().split('\n'), '```']);
  const row = (each: CommandLineCase): string[] => [`\`${each.line}\``, lineWord(each.qemu), lineWord(each.vpmem), each.why ?? ''];
  return [
    `## ${title}`,
    '',
    'What QEMU makes of a command line, and `vpmem qemu` of the same one. Where it says no more than *refused*, it is in the same words, which',
    'are QEMU\'s own, and the exit status is the same. Images are 4M, `folder` is a directory.',
    ...files,
    '',
    `### Where they differ: ${title}`,
    '',
    ...table(['', 'QEMU', 'vpmem qemu', 'why'], COMMAND_LINES.flatMap(({ lines }) => lines.filter(linesDiffer).map(row))),
    `### Where they agree: ${title}`,
    '',
    ...COMMAND_LINES.flatMap(({ title: subject, lines }) => {
      const same = lines.filter((each) => !linesDiffer(each));
      return table([subject, 'both', ''], same.map((each) => [`\`${each.line}\``, lineWord(each.qemu), [each.sameWords ? '' : 'Each in words of its own.', each.why ?? ''].join(' ').trim()]));
    }),
  ];
}

function lineWord(verdict: LineVerdict): string {
  return verdict === 'starts' ? 'starts' : 'refused';
}

function section(option: Option, groups: readonly OptionGroup[]): string[] {
  const { title, about } = SECTIONS[option];
  const different = groups.flatMap(({ cases }) => cases.filter(differs));
  const same = groups.map((group) => ({ ...group, cases: group.cases.filter((each) => !differs(each)) })).filter(({ cases }) => cases.length > 0);
  const columns = option === '-device' ? ['QEMU', 'vpmemd', 'vpmem run'] : ['QEMU', 'vpmem'];
  return [
    `## ${title}`,
    '',
    ...about,
    '',
    `### Where they differ: ${title}`,
    '',
    ...table(['', ...columns, 'why'], different.map((each) => [code(each), ...verdicts(each).slice(0, columns.length).map(word), each.why ?? ''])),
    `### Where they agree: ${title}`,
    '',
    ...same.flatMap(({ title: subject, cases }) => table([subject, 'both', ''], cases.map((each) => [code(each), word(each.qemu), each.why ?? '']))),
  ];
}

function verdicts({ qemu, vpmem, run = vpmem }: OptionCase): Verdict[] {
  return [qemu, vpmem, run];
}

function word(verdict: Verdict): string {
  return typeof verdict === 'object' ? 'refused' : WORDS[verdict];
}

function code({ after, text }: OptionCase): string {
  return [...after, text].map((each) => `\`${each}\``).join(', then ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}
