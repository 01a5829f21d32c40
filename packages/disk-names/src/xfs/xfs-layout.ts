import { be16, be32, be64, bytes, le32, struct, u8 } from '@vpmem/layout';

/** XFS Algorithms & Data Structures, Superblocks: struct xfs_sb */
export const XfsSuperBlock = struct('xfs_sb', {
  sb_magicnum: be32,
  sb_blocksize: be32,
  sb_dblocks: be64,
  sb_rblocks: be64,
  sb_rextents: be64,
  sb_uuid: bytes(16),
  sb_logstart: be64,
  sb_rootino: be64,
  sb_rbmino: be64,
  sb_rsumino: be64,
  sb_rextsize: be32,
  sb_agblocks: be32,
  sb_agcount: be32,
  sb_rbmblocks: be32,
  sb_logblocks: be32,
  sb_versionnum: be16,
  sb_sectsize: be16,
  sb_inodesize: be16,
  sb_inopblock: be16,
  sb_fname: bytes(12),
  sb_blocklog: u8,
  sb_sectlog: u8,
  sb_inodelog: u8,
  sb_inopblog: u8,
  sb_agblklog: u8,
  sb_rextslog: u8,
  sb_inprogress: u8,
  sb_imax_pct: u8,
  sb_icount: be64,
  sb_ifree: be64,
  sb_fdblocks: be64,
  sb_frextents: be64,
  sb_uquotino: be64,
  sb_gquotino: be64,
  sb_qflags: be16,
  sb_flags: u8,
  sb_shared_vn: u8,
  sb_inoalignmt: be32,
  sb_unit: be32,
  sb_width: be32,
  sb_dirblklog: u8,
  sb_logsectlog: u8,
  sb_logsectsize: be16,
  sb_logsunit: be32,
  sb_features2: be32,
  sb_bad_features2: be32,
  sb_features_compat: be32,
  sb_features_ro_compat: be32,
  sb_features_incompat: be32,
  sb_features_log_incompat: be32,
  sb_crc: le32,
  sb_spino_align: be32,
  sb_pquotino: be64,
  sb_lsn: be64,
  sb_meta_uuid: bytes(16),
});

/** XFS Algorithms & Data Structures, AG Free Space Management: struct xfs_agf */
export const Agf = struct('xfs_agf', {
  agf_magicnum: be32,
  agf_versionnum: be32,
  agf_seqno: be32,
  agf_length: be32,
  agf_bno_root: be32,
  agf_cnt_root: be32,
  agf_rmap_root: be32,
  agf_bno_level: be32,
  agf_cnt_level: be32,
  agf_rmap_level: be32,
  agf_flfirst: be32,
  agf_fllast: be32,
  agf_flcount: be32,
  agf_freeblks: be32,
  agf_longest: be32,
  agf_btreeblks: be32,
  agf_uuid: bytes(16),
  agf_rmap_blocks: be32,
  agf_refcount_blocks: be32,
  agf_refcount_root: be32,
  agf_refcount_level: be32,
  agf_spare64: bytes(112),
  agf_lsn: be64,
  agf_crc: le32,
  agf_spare2: be32,
});

/** XFS Algorithms & Data Structures, AG Inode Management: struct xfs_agi */
export const Agi = struct('xfs_agi', {
  agi_magicnum: be32,
  agi_versionnum: be32,
  agi_seqno: be32,
  agi_length: be32,
  agi_count: be32,
  agi_root: be32,
  agi_level: be32,
  agi_freecount: be32,
  agi_newino: be32,
  agi_dirino: be32,
  agi_unlinked: bytes(256),
  agi_uuid: bytes(16),
  agi_crc: le32,
  agi_pad32: be32,
  agi_lsn: be64,
  agi_free_root: be32,
  agi_free_level: be32,
  agi_iblocks: be32,
  agi_fblocks: be32,
});

/** XFS Algorithms & Data Structures, AG Free Space Management: struct xfs_agfl, before the block numbers; version 5 only. */
export const AgflHeader = struct('xfs_agfl', { agfl_magicnum: be32, agfl_seqno: be32, agfl_uuid: bytes(16), agfl_lsn: be64, agfl_crc: le32 });

const treeStart = { bb_magic: be32, bb_level: be16, bb_numrecs: be16 };
/** XFS Algorithms & Data Structures, Short Format B+trees: struct xfs_btree_sblock, of versions 4 and 5 */
export const ShortTree4 = struct('xfs_btree_sblock', { ...treeStart, bb_leftsib: be32, bb_rightsib: be32 });
export const ShortTree5 = struct('xfs_btree_sblock', { ...ShortTree4.members, bb_blkno: be64, bb_lsn: be64, bb_uuid: bytes(16), bb_owner: be32, bb_crc: le32 });
/** XFS Algorithms & Data Structures, Long Format B+trees: struct xfs_btree_lblock, of versions 4 and 5 */
export const LongTree4 = struct('xfs_btree_lblock', { ...treeStart, bb_leftsib: be64, bb_rightsib: be64 });
export const LongTree5 = struct('xfs_btree_lblock', { ...LongTree4.members, bb_blkno: be64, bb_lsn: be64, bb_uuid: bytes(16), bb_owner: be64, bb_crc: le32, bb_pad: be32 });

const core = {
  di_magic: be16,
  di_mode: be16,
  di_version: u8,
  di_format: u8,
  di_onlink: be16,
  di_uid: be32,
  di_gid: be32,
  di_nlink: be32,
  di_projid_lo: be16,
  di_projid_hi: be16,
  di_pad: bytes(6),
  di_flushiter: be16,
  di_atime: be64,
  di_mtime: be64,
  di_ctime: be64,
  di_size: be64,
  di_nblocks: be64,
  di_extsize: be32,
  di_nextents: be32,
  di_anextents: be16,
  di_forkoff: u8,
  di_aformat: u8,
  di_dmevmask: be32,
  di_dmstate: be16,
  di_flags: be16,
  di_gen: be32,
  di_next_unlinked: be32,
};
/** XFS Algorithms & Data Structures, On-disk Inode: struct xfs_dinode, of versions 2 and 3 */
export const Dinode2 = struct('xfs_dinode', core);
export const Dinode3 = struct('xfs_dinode', {
  ...core,
  di_crc: le32,
  di_changecount: be64,
  di_lsn: be64,
  di_flags2: be64,
  di_cowextsize: be32,
  di_pad2: bytes(12),
  di_crtime: be64,
  di_ino: be64,
  di_uuid: bytes(16),
});

/** XFS Algorithms & Data Structures, Journaling Log: struct xlog_rec_header */
export const LogRecordHeader = struct('xlog_rec_header', {
  h_magicno: be32,
  h_cycle: be32,
  h_version: be32,
  h_len: be32,
  h_lsn: be64,
  h_tail_lsn: be64,
  h_crc: le32,
  h_prev_block: be32,
  h_num_logops: be32,
  h_cycle_data: bytes(256),
  h_fmt: be32,
  h_fs_uuid: bytes(16),
  h_size: be32,
});

export const XFS_MAGIC = 0x5846_5342;
export const LOG_MAGIC = 0xfeed_babe;
export const INODE_MAGIC = 0x494e;
export const FORMAT = { local: 1, extents: 2, btree: 3 } as const;
