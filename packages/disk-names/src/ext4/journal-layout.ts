import { be16, be32, be64, bytes, le16, struct, u8 } from '@vpmem/layout';

const header = { h_magic: be32, h_blocktype: be32, h_sequence: be32 };

/** Linux, Documentation/filesystems/ext4/journal.rst, struct journal_header_s */
export const JournalHeader = struct('journal_header_s', header);
export const JOURNAL_MAGIC = 0xc03b_3998;
export const BLOCK_TYPE = { descriptor: 1, commit: 2, superblock1: 3, superblock2: 4, revoke: 5 } as const;

/** Linux, Documentation/filesystems/ext4/journal.rst, struct journal_superblock_s */
export const JournalSuperBlock = struct('journal_superblock_s', {
  ...header,
  s_blocksize: be32,
  s_maxlen: be32,
  s_first: be32,
  s_sequence: be32,
  s_start: be32,
  s_errno: be32,
  s_feature_compat: be32,
  s_feature_incompat: be32,
  s_feature_ro_compat: be32,
  s_uuid: bytes(16),
  s_nr_users: be32,
  s_dynsuper: be32,
  s_max_transaction: be32,
  s_max_trans_data: be32,
  s_checksum_type: u8,
  s_padding2: bytes(3),
  s_num_fc_blks: be32,
  s_head: be32,
  s_padding: bytes(160),
  s_checksum: be32,
  s_users: bytes(768),
});
export const JOURNAL_INCOMPAT = { bit64: 0x2, csumV2: 0x8, csumV3: 0x10, fastCommit: 0x20 } as const;
/** Blocks of the fast commit area where the superblock does not say. */
export const USUAL_FAST_COMMIT = 256;

/** Linux, Documentation/filesystems/ext4/journal.rst, struct journal_block_tag3_s; the same start has what came before it. */
export const BlockTag3 = struct('journal_block_tag3_s', { t_blocknr: be32, t_flags: be32, t_blocknr_high: be32, t_checksum: be32 });
/** Linux, Documentation/filesystems/ext4/journal.rst, struct journal_block_tag_s */
export const BlockTag = struct('journal_block_tag_s', { t_blocknr: be32, t_checksum: be16, t_flags: be16, t_blocknr_high: be32 });
export const TAG_FLAG = { escape: 1, sameUuid: 2, deleted: 4, last: 8 } as const;
export const UUID_SIZE = 16;

/** Linux, Documentation/filesystems/ext4/journal.rst, struct commit_header */
export const CommitHeader = struct('commit_header', { ...header, h_chksum_type: u8, h_chksum_size: u8, h_padding: bytes(2), h_chksum: bytes(32), h_commit_sec: be64, h_commit_nsec: be32 });

/** Linux, Documentation/filesystems/ext4/journal.rst, struct jbd2_journal_revoke_header_s; the count is of bytes in use, with this. */
export const RevokeHeader = struct('jbd2_journal_revoke_header_s', { ...header, r_count: be32 });

/** Linux, Documentation/filesystems/ext4/journal.rst, fast commits: struct ext4_fc_tl */
export const FastCommitTag = struct('ext4_fc_tl', { fc_tag: le16, fc_len: le16 });
export const FAST_COMMIT_TAGS: readonly (string | undefined)[] = [undefined, 'added extent', 'removed extent', 'new name', 'new link', 'removed name', 'inode', 'padding', 'tail', 'head'];
