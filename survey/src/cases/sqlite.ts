import type { SurveyCase } from '../survey-case.ts';

const MODES = ['DELETE', 'TRUNCATE', 'PERSIST', 'WAL'] as const;
const LEVELS = ['OFF', 'NORMAL', 'FULL', 'EXTRA'] as const;
type Mode = (typeof MODES)[number];
type Level = (typeof LEVELS)[number];

const PROMISES: Readonly<Record<Level, (mode: Mode) => string>> = {
  OFF: () => 'Nothing: after a power cut the database may be corrupt, and commits may be lost.',
  NORMAL: (mode) => (mode === 'WAL' ? 'The database stays consistent; commits may be rolled back.' : 'Corruption is very unlikely, on old file systems not impossible. Of commits nothing is said.'),
  FULL: (mode) => (mode === 'WAL' ? 'The database stays consistent, and each commit is durable.' : 'A power cut does not corrupt the database. That a commit is durable is said of EXTRA.'),
  EXTRA: (mode) => (mode === 'DELETE' ? 'As FULL, and the directory is synced after the journal is unlinked: commits are durable.' : 'The database stays consistent, and each commit is durable.'),
};

const on = (fs: 'ext4' | 'xfs', mode: Mode, level: Level): SurveyCase => {
  return {
    name: `sqlite-${mode}-${level}${fs === 'ext4' ? '' : `-${fs}`}`.toLowerCase(),
    subject: 'SQLite 3.46',
    what: `journal_mode=${mode}, synchronous=${level}${mode === 'DELETE' && level === 'FULL' ? ' (the default)' : ''}, ${fs}`,
    promise: PROMISES[level](mode),
    source: 'https://www.sqlite.org/pragma.html#pragma_synchronous',
    work: '12 transactions over two tables, each acknowledged when COMMIT has returned',
    programs: 'programs',
    fs,
    size: (fs === 'xfs' ? 320 : 64) * 2 ** 20,
    workload: 'sqlite',
    variables: { JOURNAL: mode, SYNCHRONOUS: level },
    units: ['page', 'sector', 'line', 'word'],
  };
};

export const sqliteCases: readonly SurveyCase[] = [
  ...MODES.flatMap((mode) => LEVELS.map((level) => on('ext4', mode, level))),
  ...([['DELETE', 'FULL'], ['DELETE', 'EXTRA'], ['PERSIST', 'FULL'], ['WAL', 'FULL']] as const).map(([mode, level]) => on('xfs', mode, level)),
];
