import type { DiskReader } from './disk-reader.ts';
import { FileTree } from './file-tree.ts';
import type { ImageView } from './image-view.ts';
import { RANK, type Stretch } from './stretch.ts';

/** Bytes from the disk's start. Btrfs, On-disk Format, Superblock */
const COPIES = [64 * 2 ** 10, 64 * 2 ** 20, 256 * 2 ** 30];
const SIZE = 4096;
const MAGIC = new TextEncoder().encode('_BHRfS_M');
const MAGIC_OFFSET = 64;

/** Of btrfs only the superblocks. */
export class BtrfsReader implements DiskReader {
  readonly tree = new FileTree({ root: 0, isFolder: () => false, entries: () => [] });

  static find(view: ImageView): BtrfsReader | undefined {
    return COPIES.some((at) => MAGIC.every((byte, i) => view.bytes(at + MAGIC_OFFSET, MAGIC.length)[i] === byte)) ? new BtrfsReader() : undefined;
  }

  stretchAt(offset: number): Stretch {
    const copy = COPIES.findIndex((at) => offset < at + SIZE);
    const at = COPIES[copy] ?? Infinity;
    if (offset >= at) return { end: at + SIZE, rank: RANK.owned, what: copy === 0 ? 'btrfs superblock' : `btrfs superblock (copy ${copy})` };
    return { end: at, rank: RANK.used, what: 'unknown' };
  }

  kindOf(): undefined {
    return undefined;
  }

  open(): undefined {
    return undefined;
  }
}
