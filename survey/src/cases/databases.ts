import type { SurveyCase } from '../survey-case.ts';

const MIB = 2 ** 20;
type Own = Omit<SurveyCase, 'programs' | 'fs' | 'size'> & Partial<SurveyCase>;

const onExt4 = (each: Own): SurveyCase => ({ programs: 'programs', fs: 'ext4', size: 64 * MIB, ...each });

const leveldb = (sync: boolean): SurveyCase =>
  onExt4({
    name: `leveldb-${sync ? 'sync' : 'no-sync'}`,
    subject: 'LevelDB 1.23',
    what: `sync=${sync}, ext4`,
    promise: sync ? 'A write has been pushed all the way to persistent storage before it returns; a batch is atomic.' : 'Of writes the last ones may be lost by a crash of the machine; a batch is atomic.',
    source: 'https://github.com/google/leveldb/blob/main/doc/index.md#synchronous-writes',
    work: '20 batches of two keys, each acknowledged; three logs; the database is opened again after 14',
    workload: 'leveldb',
    variables: { SYNC: sync ? 'True' : 'False' },
  });

const redis = (name: string, what: string, appendfsync: string, rewrite: boolean, promise: string): SurveyCase =>
  onExt4({
    name,
    subject: 'Redis 8.0',
    what: `${what}, ext4`,
    promise,
    source: 'https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/',
    work: `12 values and a counter, each acknowledged${rewrite ? '; BGREWRITEAOF after six' : ''}`,
    workload: 'redis',
    variables: { APPENDFSYNC: appendfsync, REWRITE: rewrite ? 'yes' : 'no' },
    budget: 120,
  });

const postgresql = (fullPages: 'on' | 'off'): SurveyCase =>
  onExt4({
    name: `postgresql-full-page-writes-${fullPages}`,
    subject: 'PostgreSQL 17',
    what: `full_page_writes=${fullPages}, fsync and synchronous_commit as usual, data checksums, ext4`,
    promise: fullPages === 'on' ? 'A transaction is durable once COMMIT has returned; pages that were torn are mended from the log.' : 'As with on, if the storage writes pages of 8 KiB at once; else unrecoverable or silent corruption after a failure.',
    source: 'https://www.postgresql.org/docs/17/runtime-config-wal.html#GUC-FULL-PAGE-WRITES',
    work: '12 transactions over two tables, each acknowledged, with two checkpoints among them',
    programs: 'postgresql',
    size: 160 * MIB,
    workload: 'postgresql',
    variables: { FULL_PAGE_WRITES: fullPages },
    seconds: 400,
    budget: 180,
  });

export const databaseCases: readonly SurveyCase[] = [
  leveldb(true),
  leveldb(false),
  redis('redis-always', 'appendfsync=always', 'always', false, 'What was answered is on the disk; a file that was torn at its end is cut off.'),
  redis('redis-always-rewrite', 'appendfsync=always, with BGREWRITEAOF', 'always', true, 'As without: a rewrite is safe at any moment.'),
  redis('redis-everysec', 'appendfsync=everysec', 'everysec', false, 'Writes of about the last second may be lost.'),
  postgresql('on'),
  postgresql('off'),
  onExt4({
    name: 'etcd',
    subject: 'etcd 3.5 (and bbolt)',
    what: 'one member, ext4',
    promise: 'A write that was answered is durable: it is in the log, and the log is synced.',
    source: 'https://etcd.io/docs/v3.5/learning/api_guarantees/',
    work: '10 puts of 3,000 bytes, each acknowledged',
    workload: 'etcd',
    size: 256 * MIB,
    seconds: 300,
    budget: 180,
  }),
  onExt4({
    name: 'tdb',
    subject: 'tdb 1.4',
    what: 'transactions, ext4',
    promise: 'A commit is synced, and whoever opens the database after a crash recovers it, with no administrator needed.',
    source: 'https://github.com/samba-team/samba/blob/master/lib/tdb/common/transaction.c',
    work: '12 transactions of two records, each acknowledged',
    workload: 'tdb',
    units: ['page', 'sector', 'line', 'word'],
  }),
];
