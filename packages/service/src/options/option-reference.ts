import { featureProperties } from '@vpmem/machine';
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
  return [...INTRODUCTION, '', ...sections, ...features(), '', ...FILES, ''].join('\n');
}

function features(): string[] {
  const rows = Object.entries(featureProperties).map(([name, { default: fallback, description = '' }]) => `| \`${name}\` | ${fallback} | ${description} |`);
  return [
    '## Features of virtio-pmem-pci',
    '',
    'What the device offers its driver is chosen by these properties of `-device virtio-pmem-pci`, each `on` or `off`:',
    '',
    '| property | default | what it does |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '`version_1_optional=on` is for test suites that accept no feature at all. A driver has to accept VIRTIO_F_VERSION_1, and a device may',
    'insist on it (VIRTIO 1.4 §6.2), as this one does: FEATURES_OK stays clear otherwise. With it on, as in QEMU and Cloud Hypervisor, FEATURES_OK is',
    'set and the device works as always, little-endian; the feature is still offered, and nothing else changes.',
  ];
}

const INTRODUCTION = [
  '# Options of `vpmemd` and `vpmem run`',
  '',
  '<!-- Made from packages/service/src/options/option-table.ts; its test says how to make it anew. -->',
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
