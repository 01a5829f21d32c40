import { bytes, le16, le32, struct } from '@vpmem/layout';
import type { FileKind } from '../disk-reader.ts';
import type { Ext4Volume } from './volume.ts';

/** Linux, Documentation/filesystems/ext4/inodes.rst, struct ext4_inode */
export const Inode = struct('ext4_inode', {
  i_mode: le16,
  i_uid: le16,
  i_size_lo: le32,
  i_atime: le32,
  i_ctime: le32,
  i_mtime: le32,
  i_dtime: le32,
  i_gid: le16,
  i_links_count: le16,
  i_blocks_lo: le32,
  i_flags: le32,
  l_i_version: le32,
  i_block: bytes(60),
  i_generation: le32,
  i_file_acl_lo: le32,
  i_size_high: le32,
  i_obso_faddr: le32,
  l_i_blocks_high: le16,
  l_i_file_acl_high: le16,
  l_i_uid_high: le16,
  l_i_gid_high: le16,
  l_i_checksum_lo: le16,
  l_i_reserved: le16,
  i_extra_isize: le16,
  i_checksum_hi: le16,
  i_ctime_extra: le32,
  i_mtime_extra: le32,
  i_atime_extra: le32,
  i_crtime: le32,
  i_crtime_extra: le32,
  i_version_hi: le32,
  i_projid: le32,
});

export const INODE_FLAG = { index: 0x1000, extents: 0x8_0000, inlineData: 0x1000_0000 } as const;
/** The part that every inode has; what follows is there as far as i_extra_isize says. */
const OLD_INODE = 128;
const TYPE = { mask: 0xf000, folder: 0x4000, file: 0x8000, link: 0xa000 } as const;

/** Inodes that no folder has, from 1. Linux, Documentation/filesystems/ext4/special_inodes.rst */
export const SPECIAL_INODES: readonly (string | undefined)[] = [
  undefined, 'of bad blocks', undefined, 'of the user quota', 'of the group quota', 'of the boot loader', 'of undeletion', 'of reserved group descriptors', 'of the journal', 'of excluded blocks', 'of replicas',
];
export const INO = { badBlocks: 1, root: 2, resize: 7, journal: 8 } as const;

/** An inode, as far as what is in it is wanted here. */
export class Ext4Inode {
  readonly number: number;
  /** Bytes from the image's start. */
  readonly address: number;
  readonly mode: number;
  readonly size: number;
  readonly links: number;
  readonly flags: number;
  /** Block of its extended attributes; 0 for none. */
  readonly attributes: number;
  /** In units of 512 bytes, or of blocks; 0 for an inode that has no blocks. */
  readonly sectors: number;
  /** 60 bytes: roots of its extents, or of its blocks, or its content. */
  readonly block: DataView;
  /** Where in the inode the fields end, and extended attributes begin. */
  readonly fieldsEnd: number;

  constructor(volume: Ext4Volume, number: number, address: number) {
    const view = volume.view.view(address, volume.inodeSize);
    const f = Inode.fields;
    this.number = number;
    this.address = address;
    this.mode = f.i_mode.get(view, 0);
    this.links = f.i_links_count.get(view, 0);
    this.flags = f.i_flags.get(view, 0);
    this.size = f.i_size_lo.get(view, 0) + f.i_size_high.get(view, 0) * 2 ** 32;
    this.attributes = f.i_file_acl_lo.get(view, 0) + f.l_i_file_acl_high.get(view, 0) * 2 ** 32;
    this.sectors = f.i_blocks_lo.get(view, 0) + f.l_i_blocks_high.get(view, 0) * 2 ** 32;
    this.block = new DataView(view.buffer, view.byteOffset + f.i_block.offset, f.i_block.size);
    const extra = volume.inodeSize > OLD_INODE ? f.i_extra_isize.get(view, 0) : 0;
    this.fieldsEnd = extra >= 4 && OLD_INODE + extra <= volume.inodeSize ? OLD_INODE + extra : OLD_INODE;
  }

  get kind(): FileKind {
    const type = this.mode & TYPE.mask;
    return type === TYPE.folder ? 'folder' : type === TYPE.file ? 'file' : type === TYPE.link ? 'link' : 'other';
  }

  get isFolder(): boolean {
    return this.kind === 'folder';
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Whether it is in no use: made by nobody, or deleted. */
  get isEmpty(): boolean {
    return this.mode === 0;
  }

  /** Whether `block` leads to blocks, and does not hold what the inode has itself. */
  get hasBlocks(): boolean {
    if (this.has(INODE_FLAG.inlineData)) return false;
    if (this.has(INODE_FLAG.extents)) return true;
    return this.kind === 'file' || this.isFolder || (this.kind === 'link' && this.size >= this.block.byteLength) || this.number < SPECIAL_INODES.length;
  }
}

/** An inode by its number; undefined if there can be none. */
export function readInode(volume: Ext4Volume, number: number): Ext4Inode | undefined {
  if (!Number.isSafeInteger(number) || number < 1 || number > volume.inodes) return undefined;
  const group = Math.floor((number - 1) / volume.inodesPerGroup);
  const address = volume.group(group).inodeTable * volume.blockSize + ((number - 1) % volume.inodesPerGroup) * volume.inodeSize;
  return address > 0 && address + volume.inodeSize <= volume.view.size ? new Ext4Inode(volume, number, address) : undefined;
}
