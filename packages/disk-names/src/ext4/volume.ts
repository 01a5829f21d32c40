import type { ImageView } from '../image-view.ts';
import { BG_FLAG, COMPAT, EXT4_MAGIC, GroupDescriptor, INCOMPAT, RO_COMPAT, SUPER_OFFSET, SuperBlock } from './superblock.ts';

/** Where a backup of the superblock is if the first group has its usual size, for blocks of 1, 2 and 4 KiB. */
const BACKUPS = [8193 * 1024, 16384 * 2048, 32768 * 4096];
const MOST_GROUPS = 2 ** 17;

/** What a group's descriptor says. Blocks are those of the file system. */
export interface Group {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  readonly flags: number;
  readonly unusedInodes: number;
}

/** The geometry of an ext4 (or ext3, ext2), as a superblock has it. */
export class Ext4Volume {
  readonly view: ImageView;
  readonly blockSize: number;
  /** Those that the image can hold. */
  readonly blocks: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  /** Blocks that one bit of a bitmap stands for. */
  readonly clusterBlocks: number;
  readonly groups: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  readonly inodes: number;
  readonly descriptorSize: number;
  readonly descriptorsPerBlock: number;
  readonly reservedDescriptorBlocks: number;
  readonly firstMetaGroup: number;
  readonly firstInode: number;
  readonly journalInode: number;
  readonly orphanInode: number;
  readonly mmpBlock: number | undefined;
  readonly quotaInodes: readonly number[];
  /** Inode 8 as it was made: 15 words of its i_block, size high and low. */
  readonly journalBackup: DataView | undefined;
  readonly #compat: number;
  readonly #incompat: number;
  readonly #roCompat: number;
  readonly #backupGroups: readonly number[];
  readonly #groups = new Map<number, Group>();

  private constructor(view: ImageView, at: number) {
    const raw = view.view(at, SuperBlock.size);
    const s = SuperBlock.decode(raw);
    this.view = view;
    this.#compat = s.s_feature_compat;
    this.#incompat = s.s_feature_incompat;
    this.#roCompat = s.s_feature_ro_compat;
    this.blockSize = 1024 << s.s_log_block_size;
    this.firstDataBlock = s.s_first_data_block;
    this.blocks = Math.min(s.s_blocks_count_lo + (this.hasIncompat(INCOMPAT.bit64) ? s.s_blocks_count_hi * 2 ** 32 : 0), Math.floor(view.size / this.blockSize));
    this.blocksPerGroup = s.s_blocks_per_group;
    this.clusterBlocks = this.hasRoCompat(RO_COMPAT.bigalloc) ? 2 ** Math.max(0, s.s_log_cluster_size - s.s_log_block_size) : 1;
    this.groups = Math.min(MOST_GROUPS, Math.ceil((this.blocks - this.firstDataBlock) / this.blocksPerGroup));
    this.inodesPerGroup = s.s_inodes_per_group;
    this.inodeSize = s.s_rev_level === 0 ? 128 : s.s_inode_size;
    this.firstInode = s.s_rev_level === 0 ? 11 : s.s_first_ino;
    this.inodes = Math.min(s.s_inodes_count, this.groups * this.inodesPerGroup);
    const size64 = s.s_desc_size >= 64 && s.s_desc_size <= this.blockSize ? s.s_desc_size : 64;
    this.descriptorSize = this.hasIncompat(INCOMPAT.bit64) ? size64 : 32;
    this.descriptorsPerBlock = Math.floor(this.blockSize / this.descriptorSize);
    this.reservedDescriptorBlocks = s.s_reserved_gdt_blocks;
    this.firstMetaGroup = s.s_first_meta_bg;
    this.journalInode = this.hasCompat(COMPAT.hasJournal) ? s.s_journal_inum : 0;
    this.orphanInode = this.hasCompat(COMPAT.orphanFile) ? s.s_orphan_file_inum : 0;
    this.mmpBlock = this.hasIncompat(INCOMPAT.mmp) ? s.s_mmp_block : undefined;
    this.quotaInodes = [s.s_usr_quota_inum, s.s_grp_quota_inum, s.s_prj_quota_inum];
    this.journalBackup = s.s_jnl_backup_type === 1 ? new DataView(raw.buffer, raw.byteOffset + SuperBlock.fields.s_jnl_blocks.offset, 68) : undefined;
    const backups = new DataView(s.s_backup_bgs.buffer);
    this.#backupGroups = [backups.getUint32(0, true), backups.getUint32(4, true)];
  }

  /** By the superblock, or by one of its copies; undefined if there is none that could be one. */
  static find(view: ImageView): Ext4Volume | undefined {
    for (const at of [SUPER_OFFSET, ...BACKUPS]) if (isPlausible(view, at)) return new Ext4Volume(view, at);
    return undefined;
  }

  hasCompat(feature: number): boolean {
    return (this.#compat & feature) !== 0;
  }

  hasIncompat(feature: number): boolean {
    return (this.#incompat & feature) !== 0;
  }

  hasRoCompat(feature: number): boolean {
    return (this.#roCompat & feature) !== 0;
  }

  get inodeTableBlocks(): number {
    return Math.ceil((this.inodesPerGroup * this.inodeSize) / this.blockSize);
  }

  /** The block that has the superblock's first copy. */
  get superBlock(): number {
    return Math.floor(SUPER_OFFSET / this.blockSize);
  }

  groupStart(group: number): number {
    return this.firstDataBlock + group * this.blocksPerGroup;
  }

  groupOf(block: number): number {
    return Math.floor((block - this.firstDataBlock) / this.blocksPerGroup);
  }

  hasSuper(group: number): boolean {
    if (group === 0) return true;
    if (this.hasCompat(COMPAT.sparseSuper2)) return this.#backupGroups.includes(group);
    return group === 1 || !this.hasRoCompat(RO_COMPAT.sparseSuper) || [3, 5, 7].some((base) => isPower(group, base));
  }

  /** The block with a group's copy of the superblock. */
  superBlockOf(group: number): number {
    return group === 0 ? this.superBlock : this.groupStart(group);
  }

  /** Blocks with the `index`-th block of descriptors, the one in use first. */
  descriptorBlocks(index: number): readonly number[] {
    if (!this.hasIncompat(INCOMPAT.metaBg) || index < this.firstMetaGroup) {
      return [this.superBlock + 1 + index, ...(this.hasSuper(1) && this.groups > 1 ? [this.superBlockOf(1) + 1 + index] : [])];
    }
    const first = index * this.descriptorsPerBlock;
    const groups = [first, first + 1, first + this.descriptorsPerBlock - 1].filter((group) => group < this.groups);
    return groups.map((group) => (this.hasSuper(group) ? this.superBlockOf(group) + 1 : this.groupStart(group)));
  }

  /** Bytes from the image's start of a group's descriptor. */
  group(index: number): Group {
    const kept = this.#groups.get(index);
    if (kept !== undefined) return kept;
    const copies = this.descriptorBlocks(Math.floor(index / this.descriptorsPerBlock)).map((block) => this.#group(block * this.blockSize + (index % this.descriptorsPerBlock) * this.descriptorSize));
    const group = copies.find((each) => this.#isGroup(each)) ?? copies[0] ?? { blockBitmap: 0, inodeBitmap: 0, inodeTable: 0, flags: 0, unusedInodes: 0 };
    this.#groups.set(index, group);
    return group;
  }

  /** Whether a bit of the bitmap in `block` is set; false beyond it. */
  isMarked(bitmap: number, bit: number): boolean {
    if (bit < 0 || bit >= this.blockSize * 8) return false;
    const byte = this.view.bytes(bitmap * this.blockSize + (bit >>> 3), 1)[0] ?? 0;
    return (byte & (1 << (bit & 7))) !== 0;
  }

  /** Whether the bitmap says that a block is in use; undefined where the bitmap was not made yet. */
  isUsed(block: number): boolean | undefined {
    const number = this.groupOf(block);
    if (number < 0 || number >= this.groups) return undefined;
    const group = this.group(number);
    if (this.checksGroups && (group.flags & BG_FLAG.blockUninit) !== 0) return undefined;
    return this.isMarked(group.blockBitmap, Math.floor((block - this.groupStart(number)) / this.clusterBlocks));
  }

  /** Whether flags of groups, and the count of inodes never used, mean anything. */
  get checksGroups(): boolean {
    return this.hasRoCompat(RO_COMPAT.gdtCsum | RO_COMPAT.metadataCsum);
  }

  #group(at: number): Group {
    const d = GroupDescriptor.decode(this.view.view(at, GroupDescriptor.size));
    const high = this.descriptorSize >= GroupDescriptor.size ? 1 : 0;
    const join = (low: number, hi: number): number => low + high * hi * 2 ** 32;
    return {
      blockBitmap: join(d.bg_block_bitmap_lo, d.bg_block_bitmap_hi),
      inodeBitmap: join(d.bg_inode_bitmap_lo, d.bg_inode_bitmap_hi),
      inodeTable: join(d.bg_inode_table_lo, d.bg_inode_table_hi),
      flags: d.bg_flags,
      unusedInodes: d.bg_itable_unused_lo + high * d.bg_itable_unused_hi * 2 ** 16,
    };
  }

  #isGroup({ blockBitmap, inodeBitmap, inodeTable }: Group): boolean {
    return [blockBitmap, inodeBitmap, inodeTable].every((block) => block > this.firstDataBlock && block < this.blocks);
  }
}

function isPlausible(view: ImageView, at: number): boolean {
  if (at + SuperBlock.size > view.size) return false;
  const s = SuperBlock.decode(view.view(at, SuperBlock.size));
  if (s.s_magic !== EXT4_MAGIC || s.s_log_block_size > 6) return false;
  if ((s.s_feature_incompat & INCOMPAT.journalDevice) !== 0) return false;
  const blockSize = 1024 << s.s_log_block_size;
  const inodeSize = s.s_rev_level === 0 ? 128 : s.s_inode_size;
  return (
    s.s_blocks_per_group >= 8 && s.s_inodes_per_group > 0 && s.s_inodes_per_group <= blockSize * 8 && s.s_first_data_block <= 1 &&
    inodeSize >= 128 && inodeSize <= blockSize && (inodeSize & (inodeSize - 1)) === 0 && s.s_blocks_count_lo > s.s_first_data_block
  );
}

function isPower(value: number, base: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}
