import type { Allowance } from '../allowance.ts';
import type { FileKind } from '../disk-reader.ts';
import { Dinode2, Dinode3, FORMAT, INODE_MAGIC } from './xfs-layout.ts';
import type { XfsVolume } from './xfs-volume.ts';

const TYPE = { mask: 0xf000, folder: 0x4000, file: 0x8000, link: 0xa000 } as const;
const DEEPEST = 12;
const EXTENT = 16;
/** A bit of di_flags2, of which the low half is looked at: counts of extents have other places. */
const BIG_COUNTS = 0x10;

/** One of the two forks of an inode: what it has itself, or the root of its extents. */
export interface Fork {
  /** Bytes from the image's start. */
  readonly address: number;
  readonly length: number;
  readonly format: number;
  /** Extents that it has; a list of them in the inode is no longer. */
  readonly extents: number;
}

/** An inode, as far as what is in it is wanted here. */
export class XfsInode {
  readonly number: number;
  /** Bytes from the image's start. */
  readonly address: number;
  readonly isInode: boolean;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  readonly data: Fork;
  readonly attributes: Fork | undefined;
  readonly fieldsEnd: number;

  constructor(volume: XfsVolume, number: number, address: number) {
    const view = volume.view.view(address, volume.inodeSize);
    const f = Dinode2.fields;
    const size = f.di_version.get(view, 0) >= 3 ? Dinode3.size : Dinode2.size;
    this.number = number;
    this.address = address;
    this.isInode = f.di_magic.get(view, 0) === INODE_MAGIC;
    this.mode = f.di_mode.get(view, 0);
    this.links = f.di_nlink.get(view, 0);
    this.size = f.di_size.get(view, 0);
    this.fieldsEnd = size;
    const split = f.di_forkoff.get(view, 0) * 8;
    const room = volume.inodeSize - size;
    const hasAttributes = split > 0 && split < room;
    const isBig = size === Dinode3.size && (view.getUint32(Dinode3.fields.di_flags2.offset + 4) & BIG_COUNTS) !== 0;
    const extents = isBig ? view.getUint32(f.di_pad.offset) * 2 ** 32 + view.getUint32(f.di_pad.offset + 4) : f.di_nextents.get(view, 0);
    const attributeExtents = isBig ? f.di_nextents.get(view, 0) : f.di_anextents.get(view, 0);
    this.data = { address: address + size, length: hasAttributes ? split : room, format: f.di_format.get(view, 0), extents };
    this.attributes = hasAttributes ? { address: address + size + split, length: room - split, format: f.di_aformat.get(view, 0), extents: attributeExtents } : undefined;
  }

  get isEmpty(): boolean {
    return !this.isInode || this.mode === 0;
  }

  get kind(): FileKind {
    const type = this.mode & TYPE.mask;
    return type === TYPE.folder ? 'folder' : type === TYPE.file ? 'file' : type === TYPE.link ? 'link' : 'other';
  }
}

/** An inode by its number; undefined if there can be none. */
export function readXfsInode(volume: XfsVolume, number: number): XfsInode | undefined {
  const address = Number.isSafeInteger(number) && number > 0 ? volume.inodeAddress(number) : undefined;
  return address === undefined ? undefined : new XfsInode(volume, number, address);
}

/** Blocks that a fork leads to. */
export interface ForkBlocks {
  readonly kind: 'data' | 'tree';
  readonly start: number;
  readonly count: number;
  /** Block in the file of the first. */
  readonly logical: number;
  readonly level: number;
  readonly unwritten: boolean;
}

/** An extent as it is packed into 16 bytes. XFS Algorithms & Data Structures, Data Extents: struct xfs_bmbt_rec */
export function unpackExtent(view: DataView, at: number): { readonly logical: number; readonly number: number; readonly count: number; readonly unwritten: boolean } {
  const [a, b, c, d] = [view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12)];
  return { logical: (a & 0x7fff_ffff) * 2 ** 23 + (b >>> 9), number: (b & 0x1ff) * 2 ** 43 + c * 2 ** 11 + (d >>> 21), count: d & 0x1f_ffff, unwritten: a >>> 31 === 1 };
}

/** All blocks that a fork leads to, no block that leads to others twice. */
export function* forkBlocks(volume: XfsVolume, fork: Fork, left: Allowance): Generator<ForkBlocks> {
  const view = volume.view.view(fork.address, fork.length);
  if (fork.format === FORMAT.extents) yield* list(volume, view, 0, Math.min(fork.extents, Math.floor(fork.length / EXTENT)), left);
  if (fork.format !== FORMAT.btree || fork.length < 4) return;
  const most = Math.floor((fork.length - 4) / EXTENT);
  const seen = new Set<number>();
  for (let i = 0; i < Math.min(view.getUint16(2), most); i++) yield* node(volume, pointer(view, 4 + most * 8 + i * 8), 0, left, seen);
}

function* node(volume: XfsVolume, number: number, depth: number, left: Allowance, seen: Set<number>): Generator<ForkBlocks> {
  const block = volume.block(number);
  if (!volume.isBlock(block) || seen.has(block) || depth > DEEPEST || !left.take()) return;
  seen.add(block);
  const view = volume.view.view(block * volume.blockSize, volume.blockSize);
  const { size, fields } = volume.longTree;
  const [level, count] = [fields.bb_level.get(view, 0), fields.bb_numrecs.get(view, 0)];
  const most = Math.floor((volume.blockSize - size) / EXTENT);
  yield { kind: 'tree', start: block, count: 1, logical: 0, level, unwritten: false };
  if (level === 0) yield* list(volume, view, size, Math.min(count, most), left);
  else for (let i = 0; i < Math.min(count, most); i++) yield* node(volume, pointer(view, size + most * 8 + i * 8), depth + 1, left, seen);
}

function* list(volume: XfsVolume, view: DataView, at: number, count: number, left: Allowance): Generator<ForkBlocks> {
  for (let i = 0; i < count && left.take(); i++) {
    const extent = unpackExtent(view, at + i * EXTENT);
    if (extent.count > 0) yield { kind: 'data', start: volume.block(extent.number), count: extent.count, logical: extent.logical, level: 0, unwritten: extent.unwritten };
  }
}

function pointer(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
