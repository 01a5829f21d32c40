import { le16, le32, struct } from '@vpmem/layout';
import type { Allowance } from '../allowance.ts';
import type { ImageView } from '../image-view.ts';
import { INODE_FLAG, type Ext4Inode } from './inode.ts';
import type { Ext4Volume } from './volume.ts';

/** Linux, Documentation/filesystems/ext4/ifork.rst, struct ext4_extent_header */
export const ExtentHeader = struct('ext4_extent_header', { eh_magic: le16, eh_entries: le16, eh_max: le16, eh_depth: le16, eh_generation: le32 });
/** Linux, Documentation/filesystems/ext4/ifork.rst, struct ext4_extent */
export const Extent = struct('ext4_extent', { ee_block: le32, ee_len: le16, ee_start_hi: le16, ee_start_lo: le32 });
/** Linux, Documentation/filesystems/ext4/ifork.rst, struct ext4_extent_idx */
const ExtentIndex = struct('ext4_extent_idx', { ei_block: le32, ei_leaf_lo: le32, ei_leaf_hi: le16, ei_unused: le16 });

export const EXTENT_MAGIC = 0xf30a;
/** A longer one was allocated and never written. */
const LONGEST_WRITTEN = 32768;
const DEEPEST = 5;
const DIRECT = 12;

/** Blocks that an inode has. */
export interface InodeBlocks {
  /** `extents` and `indirect` are blocks that lead to others. */
  readonly kind: 'data' | 'extents' | 'indirect';
  readonly start: number;
  readonly count: number;
  /** Of data, the first block's number in the file; of others, that of the first they lead to. */
  readonly logical: number;
  /** Levels below, of blocks that lead to others. */
  readonly depth: number;
  readonly unwritten: boolean;
}

/** What of an inode leads to its blocks. */
export type BlockRoots = Pick<Ext4Inode, 'hasBlocks' | 'has' | 'block'>;

/** All blocks that an inode leads to, no block that leads to others twice. */
export function* inodeBlocks(volume: Ext4Volume, inode: BlockRoots, left: Allowance): Generator<InodeBlocks> {
  if (!inode.hasBlocks) return;
  if (inode.has(INODE_FLAG.extents)) yield* extentBlocks(volume, inode.block, 0, left, new Set());
  else yield* indirectRoots(volume, inode.block, left);
}

function* extentBlocks(volume: Ext4Volume, node: DataView, level: number, left: Allowance, seen: Set<number>): Generator<InodeBlocks> {
  const { eh_magic, eh_entries, eh_depth } = ExtentHeader.decode(node);
  if (eh_magic !== EXTENT_MAGIC || level > DEEPEST) return;
  const entries = Math.min(eh_entries, Math.floor((node.byteLength - ExtentHeader.size) / Extent.size));
  for (let i = 0; i < entries && left.take(); i++) {
    const at = ExtentHeader.size + i * Extent.size;
    if (eh_depth === 0) {
      const { ee_block, ee_len, ee_start_hi, ee_start_lo } = Extent.decode(node, at);
      const unwritten = ee_len > LONGEST_WRITTEN;
      yield { kind: 'data', start: ee_start_lo + ee_start_hi * 2 ** 32, count: unwritten ? ee_len - LONGEST_WRITTEN : ee_len, logical: ee_block, depth: 0, unwritten };
      continue;
    }
    const { ei_block, ei_leaf_lo, ei_leaf_hi } = ExtentIndex.decode(node, at);
    const block = ei_leaf_lo + ei_leaf_hi * 2 ** 32;
    if (block <= volume.firstDataBlock || block >= volume.blocks || seen.has(block)) continue;
    seen.add(block);
    yield { kind: 'extents', start: block, count: 1, logical: ei_block, depth: eh_depth - 1, unwritten: false };
    yield* extentBlocks(volume, volume.view.view(block * volume.blockSize, volume.blockSize), level + 1, left, seen);
  }
}

function* indirectRoots(volume: Ext4Volume, roots: DataView, left: Allowance): Generator<InodeBlocks> {
  const seen = new Set<number>();
  yield* pointers(volume, new DataView(roots.buffer, roots.byteOffset, DIRECT * 4), 0, 0, left, seen);
  const perBlock = volume.blockSize / 4;
  let logical = DIRECT;
  for (let depth = 1; depth <= 3; depth++) {
    yield* pointers(volume, new DataView(roots.buffer, roots.byteOffset + (DIRECT + depth - 1) * 4, 4), depth, logical, left, seen);
    logical += perBlock ** depth;
  }
}

/** Follows block numbers that have `depth` levels of others below them. Runs of data become one. */
function* pointers(volume: Ext4Volume, view: DataView, depth: number, logical: number, left: Allowance, seen: Set<number>): Generator<InodeBlocks> {
  const below = (volume.blockSize / 4) ** depth;
  let run: { start: number; count: number; logical: number } | undefined;
  for (let i = 0; i * 4 < view.byteLength; i++) {
    const block = view.getUint32(i * 4, true);
    const at = logical + i * below;
    if (depth === 0 && run?.start !== undefined && block === run.start + run.count) {
      run.count++;
      continue;
    }
    if (run !== undefined) yield data(run);
    run = undefined;
    if (block <= volume.firstDataBlock || block >= volume.blocks) continue;
    if (!left.take()) return;
    if (depth === 0) run = { start: block, count: 1, logical: at };
    else if (!seen.has(block)) {
      seen.add(block);
      yield { kind: 'indirect', start: block, count: 1, logical: at, depth, unwritten: false };
      yield* pointers(volume, volume.view.view(block * volume.blockSize, volume.blockSize), depth - 1, at, left, seen);
    }
  }
  if (run !== undefined) yield data(run);
}

function data(run: { readonly start: number; readonly count: number; readonly logical: number }): InodeBlocks {
  return { kind: 'data', ...run, depth: 0, unwritten: false };
}

/** What a block of extents has at its entries, by their place: the first block of the file that each is for. */
export function extentLabel(view: ImageView, base: number): (index: number) => string | undefined {
  const header = view.view(base, ExtentHeader.size);
  const { eh_magic, eh_entries, eh_depth } = ExtentHeader.decode(header);
  return (index) => {
    if (eh_magic !== EXTENT_MAGIC || index >= eh_entries) return undefined;
    const first = Extent.fields.ee_block.get(view.view(base + ExtentHeader.size + index * Extent.size, 4), 0);
    return `${eh_depth === 0 ? 'extent' : 'index entry'} of file block ${first}`;
  };
}
