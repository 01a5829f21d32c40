import { BtrfsReader } from './btrfs-reader.ts';
import type { DiskReader } from './disk-reader.ts';
import { Ext4Reader } from './ext4/ext4-reader.ts';
import type { ImageView } from './image-view.ts';
import { XfsReader } from './xfs/xfs-reader.ts';

/** The file system that an image holds; undefined if it is none that is known. */
export function findReader(view: ImageView): DiskReader | undefined {
  return Ext4Reader.find(view) ?? XfsReader.find(view) ?? BtrfsReader.find(view);
}
