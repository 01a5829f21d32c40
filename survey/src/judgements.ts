import type { Judgement } from './survey-case.ts';

const finding = (text: string): Judgement => ({ kind: 'finding', text });
const finer = (text: string): Judgement => ({ kind: 'finer', text });
const documented = (text: string): Judgement => ({ kind: 'documented', text });
const kept = (text: string): Judgement => ({ kind: 'kept', text });

const COMMIT_BLOCK = 'What cannot be mounted is a commit block of the journal that was torn at 8 bytes, which ext4 takes for corruption: see ext4 itself.';
const NO_DIRECTORY = 'The new name is not durable until the directory is. Never was the file empty, torn or mixed.';
const NOTHING_SYNCED = 'Nothing was synced, so versions that were only acknowledged are gone. Never was the file empty, torn or mixed.';
const PERSIST = 'PERSIST commits by writing zeroes over the 28 bytes of the journal\'s header. Torn at 8 bytes the header is still one, with another number of pages: what it plays back damages the database. Kept at 64 bytes and above. What cannot be mounted is ext4\'s: see there.';
const SUPERBLOCK = 'Of the superblock, 1,024 bytes that are written in place, one sector of two is enough: the checksum is in the other one.';

/** By the names of cases, after a look at each kind of violation of their last exploring. */
export const JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  'ext4-mount': finding(`${SUPERBLOCK} The kernel does not mount it, \`e2fsck -p\`, which boots run, exits with 8, and so does \`e2fsck -fy\`: a file system of one block group has no other superblock.`),
  'ext4-mount-two-groups': finding(`${SUPERBLOCK} \`e2fsck -p\` exits with 8; \`e2fsck -fy\` repairs it from the backup in the second block group.`),
  'ext4-mount-no-checksums': kept('Without metadata_csum nothing of this fails.'),
  'ext4-fsck': finer(COMMIT_BLOCK),
  'ext4-directories': finer(COMMIT_BLOCK),
  'ext4-fast-commit': finding(`Torn at a sector, a fast commit without its tail is taken for an error and not for one that did not happen: the mount is refused. ${COMMIT_BLOCK}`),
  'ext4-fast-commit-fsck': finding('No tearing is needed: in the state in which all of a fast commit is there (`10:all`), the replay leaves a directory that mkdir made with 1 link and no blocks, its parent with a link too few, and the group with a directory too few. Linux 6.12 and 6.18 do the same. The files themselves are there; `e2fsck -fy` repairs it.'),
  'ext4-data-journal': finer(COMMIT_BLOCK),
  'ext4-resize-online': finding(`By pages: the superblock is written in place before the descriptors of the new group, and the kernel looks at those before it replays the journal that has them, so it does not mount it; \`e2fsck -p\` replays the journal and all is well. By sectors: ${SUPERBLOCK}`),
  'ext4-resize-offline': documented('resize2fs writes to a file system that is not mounted, without a journal, and promises nothing: while it moves inode 7 and the bitmaps, each page that is missing has to be repaired by e2fsck.'),
  'ext4-quota': kept('Checked as an image, since the host\'s kernel has no quota.'),
  'ext4-write-back': finding(`${SUPERBLOCK} Freezing writes it too. Torn finer, the superblock of the journal and group descriptors fail as well.`),
  'xfs-mount': finer('XFS counts on sectors of 512 bytes. Torn below that, a block has the new log sequence number and the old checksum or the other way round, so recovery does not write it again.'),
  'xfs-repair': kept('Nothing failed.'),
  'xfs-directories': kept('Nothing failed.'),
  'xfs-write-back': finer('Only the superblock, torn below its sector of 512 bytes.'),
  'xfs-quota': kept('Nothing failed. Mounted without quota, which the host\'s kernel does not have.'),
  'btrfs-append': finding('The superblock is 4,096 bytes with a checksum over all of it, written at each fsync. Torn at a sector it fails, and the mount is refused although the copy at 64 MiB is good. `btrfs rescue super-recover` mends it. Users have met this: linux-btrfs has it in August 2014.'),
  'btrfs-directories': finding('The superblock again, as with append.'),
  'mv-without-fsync': documented(NOTHING_SYNCED),
  'mv-fsync-file': documented(NO_DIRECTORY),
  'mv-fsync-file-and-directory': kept('Nothing failed.'),
  'mv-fsync-after': kept('Nothing failed on ext4, whose fsync of the file commits the rename as well. It is more than is promised.'),
  'mv-noauto-da-alloc': documented(`${NOTHING_SYNCED} That it was never empty is no proof: with DAX data is stored at once, and only its size and place wait for the journal.`),
  'mv-without-fsync-xfs': documented(NOTHING_SYNCED),
  'mv-fsync-file-xfs': documented(NO_DIRECTORY),
  'mv-fsync-file-and-directory-xfs': kept('Nothing failed.'),
  'mv-fsync-after-xfs': kept('Nothing failed on XFS, whose fsync forces the log up to the rename. It is more than is promised.'),
  'append-fsync': kept('Nothing failed.'),
  'append-fdatasync': kept('Nothing failed.'),
  'append-fsync-data-journal': kept('Nothing failed.'),
  'append-fsync-xfs': kept('Nothing failed.'),
  'append-fdatasync-xfs': kept('Nothing failed.'),
  'sqlite-delete-off': documented(`As it is said of OFF: commits are lost, and the database is corrupt. ${COMMIT_BLOCK}`),
  'sqlite-delete-normal': documented(`Commits are lost in the same way as with FULL; nothing is promised of them. ${COMMIT_BLOCK}`),
  'sqlite-delete-full': documented(`The default loses acknowledged commits: the unlink of the journal is what commits, and it is durable only when ext4 next commits. Without that the journal is back after the power cut and is rolled back. Only the description of EXTRA says so. ${COMMIT_BLOCK}`),
  'sqlite-delete-extra': kept(`Every commit is there. ${COMMIT_BLOCK}`),
  'sqlite-truncate-off': documented(`As it is said of OFF. ${COMMIT_BLOCK}`),
  'sqlite-truncate-normal': documented(`Commits are lost until the truncation is durable; nothing is promised of them. ${COMMIT_BLOCK}`),
  'sqlite-truncate-full': kept(`Every commit is there. ${COMMIT_BLOCK}`),
  'sqlite-truncate-extra': kept(`Every commit is there. ${COMMIT_BLOCK}`),
  'sqlite-persist-off': documented(`As it is said of OFF. ${COMMIT_BLOCK}`),
  'sqlite-persist-normal': documented(`With NORMAL the journal's header and its records go with one sync. Torn at a sector, a record is played back that is not whole, as the journal's checksum is of every 200th byte only: the database is damaged. The page names a very small chance of that, for old file systems. ${COMMIT_BLOCK}`),
  'sqlite-persist-full': finer(PERSIST),
  'sqlite-persist-extra': finer(PERSIST),
  'sqlite-wal-off': documented(`As it is said of OFF. ${COMMIT_BLOCK}`),
  'sqlite-wal-normal': documented(`Commits since the last checkpoint are lost, as it is said of WAL with NORMAL. The database is never damaged. ${COMMIT_BLOCK}`),
  'sqlite-wal-full': kept(`Every commit is there. ${COMMIT_BLOCK}`),
  'sqlite-wal-extra': kept(`Every commit is there. ${COMMIT_BLOCK}`),
  'sqlite-delete-full-xfs': documented('As on ext4: the default loses acknowledged commits, since the unlink of the journal is not durable when COMMIT returns.'),
  'sqlite-delete-extra-xfs': kept('Every commit is there.'),
  'sqlite-persist-full-xfs': finer('The header of the journal again, torn at 8 bytes while it is zeroed: see PERSIST on ext4.'),
  'sqlite-wal-full-xfs': kept('Every commit is there.'),
  'leveldb-sync': kept('Every batch is there, whole, also while logs and manifests change.'),
  'leveldb-no-sync': documented('The last batches are lost, never one before a later one, and none in part.'),
  'redis-always': kept('Every answered write is there.'),
  'redis-always-rewrite': kept('Every answered write is there, also while the files of the rewrite come into effect.'),
  'redis-everysec': documented('The writes of the last second are lost; what is there is whole and in order.'),
  'postgresql-full-page-writes-on': kept('Every transaction is there.'),
  'postgresql-full-page-writes-off': documented('Torn at a sector, a page of a table fails its checksum in recovery, and the server does not start. A page here is two of the disk\'s, and none was found torn between these; that may be luck.'),
  etcd: kept('Every answered write is there. Fewer than a hundred checks: each starts a server.'),
  'git-commit': documented('The last commits are gone: a reference is synced and then renamed into place, and nobody syncs the directory. No object of a branch was missing or damaged, although loose objects are not synced: on ext4 the sync of the reference brings with it what was written before.'),
  'git-commit-fsync-all': documented('Commits are lost in the same way with core.fsync=all: it speaks of files, and the directory of the reference is never synced. Who takes "hardened" for durable is mistaken.'),
  'git-gc': documented('gc itself lost nothing. What is lost is the commit after it.'),
  'git-push': documented('As commit: what was pushed last is gone, and nothing is damaged.'),
  dpkg: kept('Each file is of one version or another, and whatever was said to be installed is.'),
  tdb: finding('Two faults, neither of which takes any tearing. In a transaction that lengthens the file the header names the recovery area before the new length is durable; in between the database cannot be opened. And after the recovery of such a transaction the file keeps its new length, and the database\'s own check says that hashes do not match its records; the records themselves are there.'),
};
