import type { SurveyCase } from '../survey-case.ts';

const MIB = 2 ** 20;
const JOURNAL = 'https://docs.kernel.org/filesystems/ext4/journal.html';
const CONSISTENT = 'The journal protects the file system against corruption by a crash: it mounts, and nothing has to be repaired.';
const XFS_LOG = 'https://docs.kernel.org/filesystems/xfs/xfs-delayed-logging-design.html';
const XFS_CONSISTENT = 'Changes of metadata are atomic and logged: after a crash the file system mounts, and xfs_repair has nothing to repair.';
const FSYNC = 'https://man7.org/linux/man-pages/man2/fsync.2.html';
const BTRFS = 'https://btrfs.readthedocs.io/en/latest/Administration.html';

type Own = Pick<SurveyCase, 'name' | 'what' | 'work' | 'workload'> & Partial<SurveyCase>;

const own = (subject: string, basis: Pick<SurveyCase, 'fs' | 'size' | 'promise' | 'source' | 'units'>, each: Own): SurveyCase => ({ subject, programs: 'programs', ...basis, ...each });

const ext4 = (each: Own): SurveyCase => own('ext4 itself', { fs: 'ext4', size: 64 * MIB, promise: CONSISTENT, source: JOURNAL, units: ['page', 'sector', 'line', 'word'] }, each);
const xfs = (each: Own): SurveyCase => own('XFS itself', { fs: 'xfs', size: 320 * MIB, promise: XFS_CONSISTENT, source: XFS_LOG, units: ['page', 'sector', 'line', 'word'] }, each);
const btrfs = (each: Own): SurveyCase => own('btrfs, without DAX', { fs: 'btrfs', size: 128 * MIB, promise: 'Once fsync has returned, the data is there.', source: BTRFS, units: ['page', 'sector', 'line', 'word'] }, each);

const MOUNT = 'Mounted, a file written and synced, unmounted, twice';
const DIRECTORIES = { work: 'Directories made, moved, linked into and removed, 20 steps, each acknowledged when all directories concerned are synced', workload: 'directories' };
const FREEZE = { work: '80 files made and 27 of them removed, the directory synced, the file system frozen and thawed, three times', workload: 'freeze' };
const QUOTA = 'Files of three owners grow, change their owner and go, each synced';

export const fileSystemCases: readonly SurveyCase[] = [
  ext4({ name: 'ext4-mount', what: 'mount and unmount, one block group', work: MOUNT, workload: 'mount', mounted: false, checker: 'ext4' }),
  ext4({ name: 'ext4-mount-two-groups', what: 'mount and unmount, two block groups, so that there is a backup of the superblock', size: 192 * MIB, work: MOUNT, workload: 'mount', mounted: false, checker: 'ext4' }),
  ext4({ name: 'ext4-mount-no-checksums', what: 'mount and unmount, without metadata_csum', mkfs: '-O ^metadata_csum', work: MOUNT, workload: 'mount', mounted: false, checker: 'ext4' }),
  ext4({ name: 'ext4-fsck', what: 'directories, the file system is checked', ...DIRECTORIES, checker: 'ext4' }),
  ext4({ name: 'ext4-directories', what: 'directories, the files are checked', ...DIRECTORIES, promise: 'Once a directory is synced, what was done in it is durable.', source: FSYNC }),
  ext4({ name: 'ext4-fast-commit', what: 'directories, fast_commit, the files are checked', ...DIRECTORIES, mkfs: '-O fast_commit', promise: 'Once a directory is synced, what was done in it is durable.', source: FSYNC }),
  ext4({ name: 'ext4-fast-commit-fsck', what: 'directories, fast_commit, the file system is checked', ...DIRECTORIES, mkfs: '-O fast_commit', checker: 'ext4' }),
  ext4({ name: 'ext4-data-journal', what: 'directories, data=journal (without DAX), the file system is checked', ...DIRECTORIES, mount: 'data=journal', checker: 'ext4' }),
  ext4({ name: 'ext4-resize-online', what: 'resize2fs while it is mounted', size: 256 * MIB, work: 'resize2fs from 128 to 256 MiB', workload: 'resize', mounted: false, variables: { ONLINE: 'yes' }, checker: 'ext4' }),
  ext4({ name: 'ext4-resize-offline', what: 'resize2fs while it is not mounted', size: 256 * MIB, work: 'e2fsck -fp, then resize2fs from 128 to 256 MiB', workload: 'resize', mounted: false, variables: { ONLINE: 'no' }, checker: 'ext4', promise: 'resize2fs says nothing of a power cut.', source: 'https://man7.org/linux/man-pages/man8/resize2fs.8.html' }),
  ext4({ name: 'ext4-write-back', what: 'many files, then all metadata is written to its place', ...FREEZE, checker: 'ext4' }),
  ext4({ name: 'ext4-quota', what: 'quota of users and groups', mkfs: '-O quota -E quotatype=usrquota:grpquota', modules: ['quota_v2'], work: QUOTA, workload: 'quota', checker: 'ext4', where: 'image' }),
  xfs({ name: 'xfs-mount', what: 'mount and unmount', work: MOUNT, workload: 'mount', mounted: false, checker: 'xfs' }),
  xfs({ name: 'xfs-repair', what: 'directories, the file system is checked', ...DIRECTORIES, checker: 'xfs' }),
  xfs({ name: 'xfs-directories', what: 'directories, the files are checked', ...DIRECTORIES, promise: 'Once a directory is synced, what was done in it is durable.', source: FSYNC }),
  xfs({ name: 'xfs-write-back', what: 'many files, then all metadata is written to its place', ...FREEZE, checker: 'xfs' }),
  xfs({ name: 'xfs-quota', what: 'quota of users and groups', mount: 'dax=always,usrquota,grpquota', work: QUOTA, workload: 'quota', checker: 'xfs' }),
  btrfs({ name: 'btrfs-append', what: 'append, fsync', mkfs: '-d single -m single', mount: '', work: '15 records are appended, each synced and acknowledged', workload: 'append', variables: { SYNC: 'fsync' } }),
  btrfs({ name: 'btrfs-directories', what: 'directories, the files are checked', mkfs: '-d single -m single', mount: '', ...DIRECTORIES, promise: 'Once a directory is synced, what was done in it is durable.', source: FSYNC }),
];
