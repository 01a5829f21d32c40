import type { SurveyCase } from '../survey-case.ts';

type Own = Omit<SurveyCase, 'programs' | 'fs' | 'size'>;

const onExt4 = (each: Own): SurveyCase => ({ programs: 'programs', fs: 'ext4', size: 64 * 2 ** 20, ...each });

const GIT = 'https://git-scm.com/docs/git-config#Documentation/git-config.txt-corefsync';
const DEFAULT_FSYNC = 'committed,-loose-object';
const git = (name: string, what: string, does: 'commit' | 'gc' | 'push', fsync: string, promise: string, work: string): SurveyCase =>
  onExt4({ name, subject: 'git 2.47', what: `${what}, ext4`, promise, source: GIT, work, workload: 'git', variables: { CORE_FSYNC: fsync, WORK: does }, budget: 120 });

const BY_DEFAULT = 'By default loose objects are not synced, references and packs are; of what is lost nothing is promised.';
const ALL = 'Every file that git writes is synced before it gets its name. Of directories nothing is said.';

export const toolCases: readonly SurveyCase[] = [
  git('git-commit', 'commit, core.fsync as usual', 'commit', DEFAULT_FSYNC, BY_DEFAULT, '6 commits of a file, each acknowledged'),
  git('git-commit-fsync-all', 'commit, core.fsync=all', 'commit', 'all', ALL, '6 commits of a file, each acknowledged'),
  git('git-gc', 'gc, core.fsync as usual', 'gc', DEFAULT_FSYNC, 'gc loses nothing that was there before: packs are synced before what they replace is removed.', 'gc of 5 durable commits, then one more'),
  git('git-push', 'push into a bare repository, core.fsync as usual', 'push', DEFAULT_FSYNC, BY_DEFAULT, '6 pushes of a commit, each acknowledged'),
  onExt4({
    name: 'dpkg',
    subject: 'dpkg 1.22',
    what: 'install and upgrade, ext4',
    promise: 'Files are synced before they are renamed into place, and so is the list of packages. Of when that is durable nothing is said.',
    source: 'https://wiki.debian.org/Teams/Dpkg/FAQ',
    work: '2 upgrades of a package of two files, each acknowledged',
    workload: 'dpkg',
  }),
];
