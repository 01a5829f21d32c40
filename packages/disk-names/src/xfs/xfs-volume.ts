import type { ImageView } from '../image-view.ts';
import { LongTree4, LongTree5, ShortTree4, ShortTree5, XFS_MAGIC, XfsSuperBlock } from './xfs-layout.ts';

const MOST_GROUPS = 2 ** 16;
const FTYPE_INCOMPAT = 0x1;
const FTYPE_FEATURES2 = 0x200;
/** Where a second superblock is looked for, if the first is damaged: at the ends of the groups that mkfs.xfs makes of small disks. */
const USUAL_GROUPS = 4;

/** The geometry of an XFS, as a superblock has it. Blocks are counted through all groups, without the gaps that numbers on disk have. */
export class XfsVolume {
  readonly view: ImageView;
  readonly isV5: boolean;
  readonly blockSize: number;
  readonly sectorSize: number;
  readonly groups: number;
  readonly groupBlocks: number;
  /** Those that the image can hold. */
  readonly blocks: number;
  readonly inodeSize: number;
  readonly root: number;
  /** First block; undefined if the log is elsewhere. */
  readonly logStart: number | undefined;
  readonly logBlocks: number;
  readonly folderBlockSize: number;
  readonly hasFtype: boolean;
  /** User, group, project. */
  readonly quotaInodes: readonly number[];
  /** Of bitmap and summary. */
  readonly realtimeInodes: readonly number[];
  readonly #groupBlockBits: number;
  readonly #inodesPerBlock: number;

  private constructor(view: ImageView, at: number) {
    const s = XfsSuperBlock.decode(view.view(at, XfsSuperBlock.size));
    this.view = view;
    this.isV5 = (s.sb_versionnum & 0xf) === 5;
    this.blockSize = s.sb_blocksize;
    this.sectorSize = s.sb_sectsize;
    this.groupBlocks = s.sb_agblocks;
    this.blocks = Math.min(s.sb_dblocks, Math.floor(view.size / this.blockSize));
    this.groups = Math.min(s.sb_agcount, MOST_GROUPS, Math.ceil(this.blocks / this.groupBlocks));
    this.inodeSize = s.sb_inodesize;
    this.#inodesPerBlock = Math.floor(this.blockSize / this.inodeSize);
    this.#groupBlockBits = s.sb_agblklog;
    this.root = s.sb_rootino;
    this.logStart = s.sb_logstart === 0 ? undefined : this.block(s.sb_logstart);
    this.logBlocks = s.sb_logblocks;
    this.folderBlockSize = this.blockSize * 2 ** Math.min(s.sb_dirblklog, 4);
    this.hasFtype = this.isV5 ? (s.sb_features_incompat & FTYPE_INCOMPAT) !== 0 : (s.sb_features2 & FTYPE_FEATURES2) !== 0;
    this.quotaInodes = [s.sb_uquotino, s.sb_gquotino, this.isV5 ? s.sb_pquotino : 0];
    this.realtimeInodes = [s.sb_rbmino, s.sb_rsumino];
  }

  /** By the superblock, or by the copy in the second group; undefined if there is none that could be one. */
  static find(view: ImageView): XfsVolume | undefined {
    const quarter = Math.floor(view.size / USUAL_GROUPS / 4096) * 4096;
    for (const at of [0, quarter]) if (isPlausible(view, at)) return new XfsVolume(view, at);
    return undefined;
  }

  get inodesPerBlock(): number {
    return this.#inodesPerBlock;
  }

  get shortTree(): typeof ShortTree4 | typeof ShortTree5 {
    return this.isV5 ? ShortTree5 : ShortTree4;
  }

  get longTree(): typeof LongTree4 | typeof LongTree5 {
    return this.isV5 ? LongTree5 : LongTree4;
  }

  /** By a number as it is on disk, which has the group above `sb_agblklog` bits. */
  block(number: number): number {
    const size = 2 ** this.#groupBlockBits;
    return Math.floor(number / size) * this.groupBlocks + (number % size);
  }

  /** Whether there is such a block, and it is not that of a group's headers. */
  isBlock(block: number): boolean {
    return Number.isSafeInteger(block) && block > 0 && block < this.blocks;
  }

  /** The number of an inode, by the block that it is in and its place there. */
  inodeNumber(block: number, index: number): number {
    const group = Math.floor(block / this.groupBlocks);
    return (group * 2 ** this.#groupBlockBits + block - group * this.groupBlocks) * this.#inodesPerBlock + index;
  }

  /** Bytes from the image's start of an inode; undefined if it is beyond the end. */
  inodeAddress(inode: number): number | undefined {
    const block = this.block(Math.floor(inode / this.#inodesPerBlock));
    return this.isBlock(block) ? block * this.blockSize + (inode % this.#inodesPerBlock) * this.inodeSize : undefined;
  }
}

function isPlausible(view: ImageView, at: number): boolean {
  if (at + XfsSuperBlock.size > view.size) return false;
  const s = XfsSuperBlock.decode(view.view(at, XfsSuperBlock.size));
  const isPower = (value: number, least: number, most: number): boolean => value >= least && value <= most && (value & (value - 1)) === 0;
  return (
    s.sb_magicnum === XFS_MAGIC && isPower(s.sb_blocksize, 512, 65536) && isPower(s.sb_sectsize, 512, 32768) && isPower(s.sb_inodesize, 256, 2048) &&
    s.sb_inodesize <= s.sb_blocksize && s.sb_agblocks >= 4 && s.sb_agcount >= 1 && s.sb_dblocks > 0 && s.sb_agblklog <= 31 && s.sb_agblocks <= 2 ** s.sb_agblklog
  );
}
