import { IntervalMap } from '../interval-map.ts';
import { INCOMPAT } from './superblock.ts';
import type { Ext4Volume } from './volume.ts';

/** Blocks of which the place is fixed when the file system is made. */
export type Metadata =
  | { readonly kind: 'superblock' | 'block bitmap' | 'inode bitmap' | 'inode table'; readonly group: number }
  /** `copy` is the group with a backup, undefined for those in use; `index` is that of the first block. */
  | { readonly kind: 'descriptors'; readonly index: number; readonly copy: number | undefined }
  | { readonly kind: 'reserved descriptors'; readonly group: number };

/** Where superblocks, descriptors, bitmaps and inode tables are. */
export function metadataMap(volume: Ext4Volume): IntervalMap<Metadata> {
  const map = new IntervalMap<Metadata>();
  for (let group = 0; group < volume.groups; group++) {
    if (volume.hasSuper(group)) addSuper(map, volume, group);
    const { blockBitmap, inodeBitmap, inodeTable } = volume.group(group);
    map.add(blockBitmap, 1, { kind: 'block bitmap', group });
    map.add(inodeBitmap, 1, { kind: 'inode bitmap', group });
    map.add(inodeTable, volume.inodeTableBlocks, { kind: 'inode table', group });
  }
  if (volume.hasIncompat(INCOMPAT.metaBg)) {
    for (let index = volume.firstMetaGroup; index * volume.descriptorsPerBlock < volume.groups; index++) {
      for (const [i, block] of volume.descriptorBlocks(index).entries()) map.add(block, 1, { kind: 'descriptors', index, copy: i === 0 ? undefined : volume.groupOf(block) });
    }
  }
  return map;
}

function addSuper(map: IntervalMap<Metadata>, volume: Ext4Volume, group: number): void {
  const block = volume.superBlockOf(group);
  map.add(block, 1, { kind: 'superblock', group });
  const all = Math.ceil(volume.groups / volume.descriptorsPerBlock);
  const here = volume.hasIncompat(INCOMPAT.metaBg) ? Math.min(all, volume.firstMetaGroup) : all;
  map.add(block + 1, here, { kind: 'descriptors', index: 0, copy: group === 0 ? undefined : group });
  if (here === all) map.add(block + 1 + here, volume.reservedDescriptorBlocks, { kind: 'reserved descriptors', group });
}
