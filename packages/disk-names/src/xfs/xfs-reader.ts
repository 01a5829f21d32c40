import { Allowance } from '../allowance.ts';
import type { ReadableImage } from '../byte-name.ts';
import type { DiskReader, FileKind } from '../disk-reader.ts';
import { FileTree, type FolderEntry } from '../file-tree.ts';
import type { ImageView } from '../image-view.ts';
import type { IntervalMap } from '../interval-map.ts';
import { RANK, type Stretch } from '../stretch.ts';
import { GroupMap } from './group-map.ts';
import { xfsStretch } from './xfs-blocks.ts';
import { XfsContent } from './xfs-content.ts';
import { dataEntries, LEAF_OFFSET, shortEntries } from './xfs-folder.ts';
import { readXfsInode, type XfsInode } from './xfs-inode.ts';
import type { XfsKnowledge } from './xfs-knowledge.ts';
import { FORMAT } from './xfs-layout.ts';
import { XfsLog } from './xfs-log.ts';
import { xfsOwners, type XfsOwner } from './xfs-owners.ts';
import { XfsVolume } from './xfs-volume.ts';

/** Extents of files that are opened, and blocks of folders, all together. */
const MOST_STEPS = 2_000_000;

/** Knows XFS of versions 4 and 5, as far as an image has it. The log is not replayed; of the realtime section nothing is known. */
export class XfsReader implements DiskReader, XfsKnowledge {
  readonly volume: XfsVolume;
  readonly #steps = new Allowance(MOST_STEPS);
  #tree: FileTree | undefined;
  #groups: GroupMap | undefined;
  #log: XfsLog | undefined;
  #owners: IntervalMap<XfsOwner> | undefined;

  private constructor(volume: XfsVolume) {
    this.volume = volume;
  }

  static find(view: ImageView): XfsReader | undefined {
    const volume = XfsVolume.find(view);
    return volume === undefined ? undefined : new XfsReader(volume);
  }

  get tree(): FileTree {
    return (this.#tree ??= new FileTree({ root: this.volume.root, isFolder: (inode) => this.kindOf(inode) === 'folder', entries: (inode) => this.#entries(inode) }));
  }

  get groups(): GroupMap {
    return (this.#groups ??= new GroupMap(this.volume));
  }

  get owners(): IntervalMap<XfsOwner> {
    return (this.#owners ??= xfsOwners(this.volume, this.groups));
  }

  get log(): XfsLog {
    return (this.#log ??= new XfsLog(this.volume, (this.volume.logStart ?? 0) * this.volume.blockSize));
  }

  inode(number: number): XfsInode | undefined {
    return readXfsInode(this.volume, number);
  }

  stretchAt(offset: number): Stretch {
    const { blockSize, blocks, view } = this.volume;
    if (offset >= blocks * blockSize) return { end: Math.max(view.size, offset + 1), rank: RANK.unused, what: 'beyond the end of the XFS file system' };
    return xfsStretch(this, offset);
  }

  kindOf(number: number): FileKind | undefined {
    const inode = this.inode(number);
    return inode === undefined || inode.isEmpty ? undefined : inode.kind;
  }

  open(number: number): ReadableImage | undefined {
    const inode = this.inode(number);
    return inode === undefined || inode.isEmpty || inode.kind === 'other' ? undefined : new XfsContent(this.volume, inode, this.#steps);
  }

  *#entries(number: number): Generator<FolderEntry> {
    const inode = this.inode(number);
    if (inode === undefined || inode.isEmpty) return;
    if (inode.data.format === FORMAT.local) {
      yield* shortEntries(this.volume, this.volume.view.bytes(inode.data.address, Math.min(inode.data.length, inode.size)));
      return;
    }
    const { blockSize, folderBlockSize } = this.volume;
    const content = new XfsContent(this.volume, inode, this.#steps);
    let next = 0;
    for (const { logical, count } of content.extents()) {
      // Extents may end within a block of the folder, which then goes on in the next.
      for (let at = Math.max(next, Math.floor((logical * blockSize) / folderBlockSize) * folderBlockSize); at < (logical + count) * blockSize && at < LEAF_OFFSET; at += folderBlockSize) {
        if (!this.#steps.take()) return;
        next = at + folderBlockSize;
        for (const { name, inode: child } of dataEntries(this.volume, content.readRaw(at, folderBlockSize))) if (name !== '' && name !== '.' && name !== '..') yield { name, inode: child };
      }
    }
  }
}
