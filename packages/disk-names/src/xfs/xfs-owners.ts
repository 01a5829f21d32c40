import { Allowance } from '../allowance.ts';
import { IntervalMap } from '../interval-map.ts';
import type { GroupMap } from './group-map.ts';
import { forkBlocks, XfsInode } from './xfs-inode.ts';
import type { XfsVolume } from './xfs-volume.ts';

const MOST_INODES = 1_000_000;
const MOST_STEPS = 1_000_000;

/** Whose a block is, and what for. */
export interface XfsOwner {
  readonly inode: number;
  readonly fork: 'data' | 'attributes';
  readonly kind: 'data' | 'tree';
  /** Block in the file, of the first. */
  readonly logical: number;
  readonly level: number;
  readonly unwritten: boolean;
}

/** Owners of blocks, found by looking at all inodes once. */
export function xfsOwners(volume: XfsVolume, groups: GroupMap): IntervalMap<XfsOwner> {
  const map = new IntervalMap<XfsOwner>();
  const [inodes, steps] = [new Allowance(MOST_INODES), new Allowance(MOST_STEPS)];
  for (const block of groups.inodeBlocks()) {
    for (let index = 0; index < volume.inodesPerBlock; index++) {
      if (!inodes.take() || steps.isSpent) return map;
      const inode = new XfsInode(volume, volume.inodeNumber(block, index), block * volume.blockSize + index * volume.inodeSize);
      if (inode.isEmpty) continue;
      for (const { start, count, ...rest } of forkBlocks(volume, inode.data, steps)) map.add(start, count, { inode: inode.number, fork: 'data', ...rest });
      if (inode.attributes === undefined) continue;
      for (const { start, count, ...rest } of forkBlocks(volume, inode.attributes, steps)) map.add(start, count, { inode: inode.number, fork: 'attributes', ...rest });
    }
  }
  return map;
}
