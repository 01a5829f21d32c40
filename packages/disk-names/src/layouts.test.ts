import type { Struct } from '@vpmem/layout';
import { describe, expect, it } from 'vitest';
import { Inode } from './ext4/inode.ts';
import { CommitHeader, JournalSuperBlock } from './ext4/journal-layout.ts';
import { GroupDescriptor, MmpStruct, SuperBlock } from './ext4/superblock.ts';
import { DatabaseHeader, PageHeader, WalFrame, WalHeader } from './sqlite/sqlite-layout.ts';
import { Agf, AgflHeader, Agi, Dinode2, Dinode3, LogRecordHeader, LongTree4, LongTree5, ShortTree4, ShortTree5, XfsSuperBlock } from './xfs/xfs-layout.ts';

/** Sizes and offsets as the specifications have them. */
const PINNED: readonly (readonly [Struct, number, Readonly<Record<string, number>>])[] = [
  [SuperBlock, 1024, { s_magic: 0x38, s_inode_size: 0x58, s_feature_incompat: 0x60, s_journal_inum: 0xe0, s_desc_size: 0xfe, s_jnl_blocks: 0x10c, s_mmp_block: 0x168, s_usr_quota_inum: 0x240, s_backup_bgs: 0x24c, s_prj_quota_inum: 0x26c, s_orphan_file_inum: 0x280, s_checksum: 0x3fc }],
  [GroupDescriptor, 64, { bg_flags: 0x12, bg_itable_unused_lo: 0x1c, bg_checksum: 0x1e, bg_block_bitmap_hi: 0x20, bg_itable_unused_hi: 0x32 }],
  [Inode, 160, { i_flags: 0x20, i_block: 0x28, i_file_acl_lo: 0x68, l_i_file_acl_high: 0x76, l_i_checksum_lo: 0x7c, i_extra_isize: 0x80, i_checksum_hi: 0x82, i_projid: 0x9c }],
  [MmpStruct, 1024, { mmp_checksum: 0x3fc }],
  [JournalSuperBlock, 1024, { s_start: 0x1c, s_feature_incompat: 0x28, s_checksum_type: 0x50, s_num_fc_blks: 0x54, s_checksum: 0xfc, s_users: 0x100 }],
  [CommitHeader, 60, { h_chksum: 0x10, h_commit_sec: 0x30 }],
  [XfsSuperBlock, 264, { sb_logstart: 48, sb_agblocks: 84, sb_versionnum: 100, sb_blocklog: 120, sb_icount: 128, sb_dirblklog: 192, sb_features2: 200, sb_features_incompat: 216, sb_crc: 224, sb_lsn: 240 }],
  [Agf, 224, { agf_flfirst: 40, agf_uuid: 64, agf_refcount_root: 88, agf_lsn: 208, agf_crc: 216 }],
  [Agi, 344, { agi_root: 20, agi_unlinked: 40, agi_uuid: 296, agi_crc: 312, agi_free_root: 328 }],
  [AgflHeader, 36, { agfl_crc: 32 }],
  [ShortTree4, 16, {}],
  [ShortTree5, 56, { bb_crc: 52 }],
  [LongTree4, 24, {}],
  [LongTree5, 72, { bb_owner: 56, bb_crc: 64 }],
  [Dinode2, 100, { di_size: 56, di_nextents: 76, di_forkoff: 82, di_next_unlinked: 96 }],
  [Dinode3, 176, { di_crc: 100, di_flags2: 120, di_ino: 152 }],
  [LogRecordHeader, 324, { h_len: 12, h_crc: 32, h_cycle_data: 44, h_fmt: 300, h_size: 320 }],
  [DatabaseHeader, 100, { page_size: 16, first_freelist_trunk: 32, largest_root_page: 52, version_valid_for: 92 }],
  [PageHeader, 12, { cell_content_start: 5, right_pointer: 8 }],
  [WalHeader, 32, { salt_1: 16 }],
  [WalFrame, 24, { salt_1: 8 }],
];

describe('structures', () => {
  it.each(PINNED)('$name has the size and offsets of the specification', (structure, size, offsets) => {
    expect(structure.size).toBe(size);
    for (const [name, offset] of Object.entries(offsets)) expect(structure.fields[name]?.offset, name).toBe(offset);
  });
});
