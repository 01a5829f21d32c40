import { Allowance } from '../allowance.ts';
import type { ReadableImage } from '../byte-name.ts';
import type { DiskReader, FileKind } from '../disk-reader.ts';
import { FileTree, type FolderEntry } from '../file-tree.ts';
import type { ImageView } from '../image-view.ts';
import type { IntervalMap } from '../interval-map.ts';
import { RANK, type Stretch } from '../stretch.ts';
import { Ext4Blocks } from './ext4-blocks.ts';
import type { Ext4Knowledge } from './ext4-knowledge.ts';
import { folderEntries } from './folder-block.ts';
import { InodeContent } from './inode-content.ts';
import { INO, INODE_FLAG, readInode, type Ext4Inode } from './inode.ts';
import { Journal } from './journal.ts';
import { metadataMap, type Metadata } from './metadata-map.ts';
import { Owners } from './owners.ts';
import { Ext4Volume } from './volume.ts';

/** Extents of files that are opened, and blocks of folders, all together. */
const MOST_STEPS = 2_000_000;
/** The folder above, before the entries of a folder that is in its inode. */
const PARENT = 4;

/** Knows ext4, and ext2 and ext3, as far as an image has them. The journal is not replayed. */
export class Ext4Reader implements DiskReader, Ext4Knowledge {
  readonly volume: Ext4Volume;
  readonly #blocks = new Ext4Blocks(this);
  readonly #steps = new Allowance(MOST_STEPS);
  #tree: FileTree | undefined;
  #metadata: IntervalMap<Metadata> | undefined;
  #owners: Owners | undefined;
  #journal: Journal | undefined;

  private constructor(volume: Ext4Volume) {
    this.volume = volume;
  }

  static find(view: ImageView): Ext4Reader | undefined {
    const volume = Ext4Volume.find(view);
    return volume === undefined ? undefined : new Ext4Reader(volume);
  }

  get tree(): FileTree {
    return (this.#tree ??= new FileTree({ root: INO.root, isFolder: (inode) => this.kindOf(inode) === 'folder', entries: (inode) => this.#entries(inode) }));
  }

  get metadata(): IntervalMap<Metadata> {
    return (this.#metadata ??= metadataMap(this.volume));
  }

  get owners(): Owners {
    return (this.#owners ??= new Owners(this.volume));
  }

  get journal(): Journal {
    return (this.#journal ??= this.#makeJournal());
  }

  inode(number: number): Ext4Inode | undefined {
    return readInode(this.volume, number);
  }

  stretchAt(offset: number): Stretch {
    const { blockSize, blocks, view } = this.volume;
    const block = Math.floor(offset / blockSize);
    if (block >= blocks) return { end: Math.max(view.size, offset + 1), rank: RANK.unused, what: 'beyond the end of the ext4 file system' };
    return this.#blocks.stretch(block, offset - block * blockSize, block * blockSize);
  }

  kindOf(number: number): FileKind | undefined {
    const inode = this.inode(number);
    return inode === undefined || inode.isEmpty ? undefined : inode.kind;
  }

  open(number: number): ReadableImage | undefined {
    const inode = this.inode(number);
    return inode === undefined || inode.isEmpty || inode.kind === 'other' ? undefined : new InodeContent(this.volume, inode, this.#steps);
  }

  #makeJournal(): Journal {
    const { view, blockSize, journalInode } = this.volume;
    const blocks = this.owners.blocksOf(journalInode);
    return new Journal({
      view,
      blockSize,
      blocks: blocks.length,
      address: (block) => (blocks[block] === undefined ? undefined : blocks[block] * blockSize),
      home: (block, within, contentAt) => this.#blocks.stretch(block, within, contentAt),
    });
  }

  *#entries(number: number): Generator<FolderEntry> {
    const inode = this.inode(number);
    if (inode === undefined) return;
    const content = new InodeContent(this.volume, inode, this.#steps);
    if (inode.has(INODE_FLAG.inlineData)) {
      const room = inode.block.byteLength;
      yield* named(content.read(PARENT, Math.min(room, inode.size) - PARENT));
      if (inode.size > room && inode.size <= this.volume.inodeSize) yield* named(content.read(room, inode.size - room));
      return;
    }
    const { blockSize } = this.volume;
    for (const block of content.blocks(this.#steps)) yield* named(content.read(block * blockSize, blockSize));
  }
}

function* named(bytes: Uint8Array): Generator<FolderEntry> {
  for (const { name, inode } of folderEntries(bytes)) if (inode !== 0 && name !== '' && name !== '.' && name !== '..') yield { name, inode };
}
