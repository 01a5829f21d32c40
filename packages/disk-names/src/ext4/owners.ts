import { Allowance } from '../allowance.ts';
import { IntervalMap, type Interval } from '../interval-map.ts';
import { EXTENT_MAGIC, inodeBlocks, type BlockRoots, type InodeBlocks } from './block-map.ts';
import { Ext4Inode, INODE_FLAG, SPECIAL_INODES } from './inode.ts';
import { BG_FLAG } from './superblock.ts';
import type { Ext4Volume } from './volume.ts';

const MOST_INODES = 2_000_000;
/** Steps through extents and block numbers, of all inodes. */
const MOST_STEPS = 1_000_000;
/** Blocks of one inode that are listed: those of a journal of 1 GiB. */
const MOST_LISTED = 2 ** 18;

/** Whose a block is, and what for. */
export interface Owner {
  readonly inode: number;
  readonly kind: InodeBlocks['kind'] | 'attributes';
  /** Of the first block; see {@link InodeBlocks}. */
  readonly logical: number;
  readonly depth: number;
  readonly unwritten: boolean;
  readonly isDeleted: boolean;
}

/** Owners of blocks, found by looking at all inodes once. */
export class Owners {
  readonly #live = new IntervalMap<Owner>();
  /** Of inodes that no name leads to any more, which may be in use all the same. */
  readonly #deleted = new IntervalMap<Owner>();

  constructor(volume: Ext4Volume) {
    const [inodes, steps] = [new Allowance(MOST_INODES), new Allowance(MOST_STEPS)];
    for (const inode of usedInodes(volume, inodes)) {
      if (steps.isSpent) break;
      this.#add(volume, inode, steps);
    }
    this.#addJournal(volume);
  }

  find(block: number): Interval<Owner> | undefined {
    return this.#live.find(block) ?? this.#deleted.find(block);
  }

  /** Blocks with the content of an inode, by their number in it. */
  blocksOf(inode: number): readonly (number | undefined)[] {
    const blocks: (number | undefined)[] = [];
    for (const { start, count, value } of this.#live) {
      if (value.inode !== inode || value.kind !== 'data' || value.logical >= MOST_LISTED) continue;
      for (let i = 0; i < Math.min(count, MOST_LISTED - value.logical); i++) blocks[value.logical + i] = start + i;
    }
    return blocks;
  }

  #add(volume: Ext4Volume, inode: Ext4Inode, steps: Allowance): void {
    const isDeleted = inode.links === 0 && inode.number >= SPECIAL_INODES.length;
    const map = isDeleted ? this.#deleted : this.#live;
    for (const { start, count, ...rest } of inodeBlocks(volume, inode, steps)) map.add(start, count, { inode: inode.number, isDeleted, ...rest });
    if (inode.attributes > 0) map.add(inode.attributes, 1, { inode: inode.number, kind: 'attributes', logical: 0, depth: 0, unwritten: false, isDeleted });
  }

  /** Where the journal's inode is damaged, by the copy of it in the superblock. */
  #addJournal(volume: Ext4Volume): void {
    const { journalBackup, journalInode } = volume;
    if (journalBackup === undefined || journalInode === 0) return;
    const roots: BlockRoots = {
      hasBlocks: true,
      has: (flag) => flag === INODE_FLAG.extents && journalBackup.getUint16(0, true) === EXTENT_MAGIC,
      block: new DataView(journalBackup.buffer, journalBackup.byteOffset, 60),
    };
    for (const { start, count, ...rest } of inodeBlocks(volume, roots, new Allowance(MOST_STEPS))) {
      if (this.find(start) === undefined) this.#live.add(start, count, { inode: journalInode, isDeleted: false, ...rest });
    }
  }
}

function* usedInodes(volume: Ext4Volume, left: Allowance): Generator<Ext4Inode> {
  for (let index = 0; index < volume.groups; index++) {
    const { inodeTable, flags, unusedInodes } = volume.group(index);
    if (inodeTable <= volume.firstDataBlock || inodeTable >= volume.blocks) continue;
    if (volume.checksGroups && (flags & BG_FLAG.inodeUninit) !== 0) continue;
    const used = volume.checksGroups && unusedInodes <= volume.inodesPerGroup ? volume.inodesPerGroup - unusedInodes : volume.inodesPerGroup;
    for (let i = 0; i < used; i++) {
      if (!left.take()) return;
      const number = index * volume.inodesPerGroup + i + 1;
      const address = inodeTable * volume.blockSize + i * volume.inodeSize;
      // Nothing else is looked at in a table of which most is empty.
      const mode = volume.view.bytes(address, 2);
      if (mode[0] === 0 && mode[1] === 0 && number >= SPECIAL_INODES.length) continue;
      yield new Ext4Inode(volume, number, address);
    }
  }
}
