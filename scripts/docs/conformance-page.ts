import { QEMU_DEVIATIONS } from '../../packages/served-machine/tests/qemu-deviations.ts';
import { applies, groupOf, type Finding, type StatementTest } from './conformance-rows.ts';

export const PAGE = 'docs/conformance.md';

const GROUPS: Readonly<Record<string, string>> = {
  STAT: 'Device status',
  FEAT: 'Feature bits',
  RST: 'Device reset',
  CFGS: 'Device configuration and its generation',
  VQR: 'Reset of one queue',
  DNOT: 'What a notification carries',
  SHM: 'Shared memory regions',
  INIT: 'Initialisation, operation, clean-up',
  SUSP: 'Suspending',
  RFB: 'Feature bits of any device',
  SPL: 'Split queues',
  SIND: 'Indirect descriptors in split queues',
  SEVT: 'Notification suppression in split queues',
  PKD: 'Packed queues',
  PIND: 'Indirect descriptors in packed queues',
  PEVT: 'Notification suppression in packed queues',
  PGEN: 'PCI: identity and access',
  PCAP: 'PCI: capabilities',
  PCOM: 'PCI: common configuration',
  PNTF: 'PCI: notification structure',
  PISR: 'PCI: ISR status',
  PDEV: 'PCI: device configuration',
  PSHM: 'PCI: shared memory',
  PVND: 'PCI: vendor data',
  PACC: 'PCI: configuration access',
  PMSX: 'PCI: MSI-X and setting up queues',
  PABN: 'PCI: notifying the device',
  PINT: 'PCI: interrupts',
  ADM: 'Administration queues',
  LEG: 'Legacy interface',
  PMEM: 'The pmem device',
  CONF: 'Claiming conformance',
};

const SIDES: readonly (readonly [string, string, (finding: Finding) => boolean])[] = [
  ['the device, as a guest sees it', 'G', ({ row }) => row.side === 'G'],
  ['the device, with the host\'s help', 'G+', ({ row }) => row.side === 'G+'],
  ['the device, as only the host sees it', 'H', ({ row }) => row.side === 'H'],
  ['our driver', 'D', ({ row }) => row.side === 'D'],
];

/** `virtio/split-queue`: the package and the file in it. */
const label = (file: string): string => file.replace(/^(?:packages|apps)\/([^/]+)\/(?:src|tests)\/(.+)\.test\.ts$/, '$1/$2');
const links = ({ files }: StatementTest): string => files.map((file) => `[${label(file)}]`).join(', ');
const covered = ({ tests }: Finding): boolean => tests.length > 0;

/** The page, from what is known of each statement; `tests` for what was decided where the text is silent. */
export function conformancePage(found: readonly Finding[], tests: readonly StatementTest[]): string {
  return `${[head(found), ...Object.keys(GROUPS).map((group) => groupSection(group, found)), silent(tests), peer(), targets(tests)].join('\n\n')}\n`;
}

/** What {@link figures} gives, wherever it stands. */
export const FIGURES = /\d+ of \d+ statements/;

/** How many statements that apply have a test, in the words of README.md. */
export function figures(found: readonly Finding[]): string {
  const applicable = found.filter(applies);
  return `${applicable.filter(covered).length} of ${applicable.length} statements`;
}

function head(found: readonly Finding[]): string {
  const applicable = found.filter(applies);
  const rows = SIDES.map(([name, side, is]) => {
    const own = applicable.filter(is);
    return `| ${name} (${side}) | ${own.length} | ${own.filter(covered).length} | ${own.filter((each) => !covered(each)).length} |`;
  });
  const inapplicable = found.filter(({ reason }) => reason?.kind === 'does not apply').length;
  return [
    '# Conformance',
    '<!-- Written by scripts/write-conformance.ts from the last run of all tests; `npm test` compares. -->',
    `**${figures(found)}** of VIRTIO 1.4 that apply to a virtio-pmem device on PCI, and to a driver for it, have a test
that passed, whose name begins with their id; the others hold for a reason that is given. ${inapplicable} more do not apply, and ${found.filter(({ row }) => row.side === '-').length} are permissions,
which nothing can breach. The statements are in our own words, in [rows.json](conformance/rows.json); [specs.md](specs.md) says which text is meant.`,
    `| about | apply | have a test | hold for a reason |\n| --- | --- | --- | --- |\n${rows.join('\n')}`,
    'Behind each test stand the files it passed in. The cases of `virtio-pci/conformance` run over a device of that test, those of\n`guest/conformance` over virtio-pmem, in process and behind a vfio-user socket, and those of `served-machine/peer.guest` over it in a QEMU without\na guest. There they also run over [QEMU\'s own device](#what-qemus-own-device-does).',
  ].join('\n\n');
}

function groupSection(group: string, found: readonly Finding[]): string {
  const own = found.filter(({ row }) => groupOf(row) === group);
  const [first] = own;
  const whole = first?.reason !== undefined && own.every(({ reason }) => reason === first.reason) ? first.reason : undefined;
  if (whole !== undefined) return `## ${GROUPS[group]}\n\n${own.length} statements, ${first?.row.id} to ${own.at(-1)?.row.id}: ${whole.text}`;
  const rows = own.map(({ row, tests, reason }) => {
    const shown = tests.map((test) => `${test.text.replaceAll('|', '\\|')} (${links(test)})`);
    const why = reason === undefined ? (row.side === '-' ? ['a permission'] : []) : [reason.text];
    return `| ${row.id} | ${row.who}, ${row.level} | ${row.text.replaceAll('|', '\\|')} | ${[...shown, ...why].join('<br>')} |`;
  });
  return `## ${GROUPS[group]}\n\n| id | who | statement | shown by |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function silent(tests: readonly StatementTest[]): string {
  const rows = tests.flatMap((test) => test.ids.filter((id) => id.startsWith('AMB-')).map((id) => `| ${id} | ${test.text.replaceAll('|', '\\|')} | ${links(test)} |`));
  return `## Where the text is silent\n\nWhat was decided, as the tests that pin it have it.\n\n| id | decision | test |\n| --- | --- | --- |\n${rows.sort().join('\n')}`;
}

function peer(): string {
  const rows = Object.entries(QEMU_DEVIATIONS).map(([name, does]) => `| ${name.replaceAll('|', '\\|')} | ${does} |`);
  return `## What QEMU's own device does\n\nThe cases that QEMU 11.1.3's virtio-pmem-pci does not pass, and what it does instead. Not all of it is forbidden.\n\n| case | QEMU |\n| --- | --- |\n${rows.join('\n')}`;
}

/** Where the links lead. */
function targets(tests: readonly StatementTest[]): string {
  const files = new Set(tests.flatMap((test) => test.files));
  return [...files].sort().map((file) => `[${label(file)}]: ../${file}`).join('\n');
}
