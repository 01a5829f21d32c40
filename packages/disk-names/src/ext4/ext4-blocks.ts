import { fieldsAt, firstPart, RANK, rowsAt, runText, type PartAt, type Rank, type Run, type Stretch } from '../stretch.ts';
import { attributeBlock } from './attributes.ts';
import { ExtentHeader, extentLabel, Extent } from './block-map.ts';
import type { Ext4Knowledge } from './ext4-knowledge.ts';
import { folderBlock } from './folder-block.ts';
import { inodeStretch } from './inode-stretch.ts';
import { INO, INODE_FLAG } from './inode.ts';
import type { Metadata } from './metadata-map.ts';
import type { Owner } from './owners.ts';
import { GroupDescriptor, MmpStruct, SUPER_OFFSET, SuperBlock } from './superblock.ts';

/** A byte of a block that is asked about. */
interface Spot {
  readonly block: number;
  /** Bytes from the block's start. */
  readonly within: number;
  /** Where the block's content lies, bytes from the image's start: in its place, or in the journal. */
  readonly base: number;
}

/** Says what the blocks of an ext4 are. All ends are where the content lies. */
export class Ext4Blocks {
  readonly #ext4: Ext4Knowledge;

  constructor(ext4: Ext4Knowledge) {
    this.#ext4 = ext4;
  }

  stretch(block: number, within: number, base: number): Stretch {
    const spot = { block, within, base };
    const metadata = this.#ext4.metadata.find(block);
    if (metadata !== undefined) return this.#metadata(spot, metadata.value, block - metadata.start);
    if (block === this.#ext4.volume.mmpBlock) return { ...this.#whole(spot, 'ext4 MMP block', RANK.owned), partAt: fieldsAt(MmpStruct, base) };
    const owner = this.#ext4.owners.find(block);
    if (owner !== undefined) return this.#owned(spot, owner.value, block - owner.start);
    if (block < this.#ext4.volume.firstDataBlock) return this.#whole(spot, 'boot sectors', RANK.structure);
    const isUsed = this.#ext4.volume.isUsed(block) ?? false;
    const run: Run = isUsed ? { noun: 'ext4 block', number: block, remark: ', in use by nobody that is known' } : { noun: 'ext4 free block', number: block };
    return { ...this.#whole(spot, runText(run), isUsed ? RANK.used : RANK.unused), run };
  }

  #whole({ base }: Spot, what: string, rank: Rank): Stretch {
    return { end: base + this.#ext4.volume.blockSize, rank, what };
  }

  #metadata(spot: Spot, metadata: Metadata, index: number): Stretch {
    const { volume } = this.#ext4;
    const { base, within } = spot;
    switch (metadata.kind) {
      case 'superblock':
        return this.#superblock(spot, metadata.group);
      case 'reserved descriptors':
        return this.#whole(spot, `ext4 room for more group descriptors, in group ${metadata.group}`, RANK.owned);
      case 'descriptors': {
        const row = Math.floor(within / volume.descriptorSize);
        const group = (metadata.index + index) * volume.descriptorsPerBlock + row;
        const copy = metadata.copy === undefined ? '' : ` (backup in group ${metadata.copy})`;
        if (group >= volume.groups) return this.#whole(spot, `ext4 group descriptors, unused rest${copy}`, RANK.structure);
        const at = base + row * volume.descriptorSize;
        return { end: at + volume.descriptorSize, rank: RANK.owned, what: `ext4 descriptor of group ${group}${copy}`, group: `ext4 group descriptors${copy}`, partAt: fieldsAt(GroupDescriptor, at) };
      }
      case 'block bitmap': {
        const per = 8 * volume.clusterBlocks;
        const first = volume.groupStart(metadata.group);
        return { ...this.#whole(spot, `ext4 block bitmap of group ${metadata.group}`, RANK.owned), partAt: this.#bits(base, volume.blocksPerGroup / per, (byte) => `blocks ${first + byte * per} to ${first + byte * per + per - 1}`) };
      }
      case 'inode bitmap': {
        const first = metadata.group * volume.inodesPerGroup + 1;
        return { ...this.#whole(spot, `ext4 inode bitmap of group ${metadata.group}`, RANK.owned), partAt: this.#bits(base, volume.inodesPerGroup / 8, (byte) => `inodes ${first + byte * 8} to ${first + byte * 8 + 7}`) };
      }
      case 'inode table': {
        const row = Math.floor((index * volume.blockSize + within) / volume.inodeSize);
        const at = base + Math.floor(within / volume.inodeSize) * volume.inodeSize;
        const group = `ext4 inode table of group ${metadata.group}`;
        return row < volume.inodesPerGroup ? inodeStretch(this.#ext4, metadata.group * volume.inodesPerGroup + row + 1, at, group) : this.#whole(spot, `${group}, unused rest`, RANK.structure);
      }
    }
  }

  #bits(base: number, bytes: number, label: (byte: number) => string): PartAt {
    return rowsAt(base, base + this.#ext4.volume.blockSize, 1, (byte) => (byte < bytes ? label(byte) : 'padding'));
  }

  #superblock(spot: Spot, group: number): Stretch {
    const start = group === 0 ? SUPER_OFFSET % this.#ext4.volume.blockSize : 0;
    const { base, within } = spot;
    if (within < start) return { end: base + start, rank: RANK.structure, what: 'boot sectors' };
    if (within >= start + SuperBlock.size) return this.#whole(spot, 'rest of the block of the ext4 superblock', RANK.structure);
    return { end: base + start + SuperBlock.size, rank: RANK.owned, what: group === 0 ? 'ext4 superblock' : `ext4 superblock (backup in group ${group})`, partAt: fieldsAt(SuperBlock, base + start) };
  }

  #owned(spot: Spot, owner: Owner, index: number): Stretch {
    const { volume, tree } = this.#ext4;
    const { base } = spot;
    const path = tree.path(owner.inode);
    const whose = path ?? `inode ${owner.inode}${owner.isDeleted ? ', which is deleted' : ''}`;
    const rank = path === undefined ? RANK.structure : RANK.owned;
    const known = { ...(path === undefined ? {} : { path }), inode: owner.inode };
    switch (owner.kind) {
      case 'attributes':
        return { ...this.#whole(spot, `ext4 extended attributes of ${whose}`, rank), ...known, partAt: attributeBlock(volume.view, base, volume.blockSize) };
      case 'extents': {
        const rows = rowsAt(base + ExtentHeader.size, base + volume.blockSize, Extent.size, extentLabel(volume.view, base));
        return { ...this.#whole(spot, `ext4 extent tree block of ${whose}, level ${owner.depth}`, rank), ...known, partAt: firstPart(fieldsAt(ExtentHeader, base), rows) };
      }
      case 'indirect':
        return { ...this.#whole(spot, `ext4 indirect block of ${whose}, level ${owner.depth}`, rank), ...known };
      case 'data':
        return owner.inode === volume.journalInode && base === spot.block * volume.blockSize ? this.#ext4.journal.stretch(owner.logical + index, spot.within) : this.#content(spot, owner, owner.logical + index);
    }
  }

  #content(spot: Spot, owner: Owner, logical: number): Stretch {
    const { volume, tree } = this.#ext4;
    const { base, within } = spot;
    const special = this.#specialContent(owner.inode, logical);
    if (special !== undefined) return this.#whole(spot, special, RANK.owned);
    const inode = this.#ext4.inode(owner.inode);
    const path = tree.path(owner.inode);
    const fileOffset = logical * volume.blockSize + within;
    const known = { rank: path === undefined ? RANK.structure : RANK.owned, inode: owner.inode, fileOffset, ...(path === undefined ? {} : { path }) };
    if (inode?.isFolder === true) return { ...this.#whole(spot, '', RANK.owned), ...known, ...folderBlock(volume.view, base, volume.blockSize, logical === 0, inode.has(INODE_FLAG.index)) };
    if (owner.unwritten) return { ...this.#whole(spot, 'allocated, never written', RANK.owned), ...known };
    const left = (inode?.size ?? 0) - fileOffset;
    const deleted = owner.isDeleted ? ' of a deleted file' : '';
    if (left <= 0) return { ...this.#whole(spot, `after the end${owner.isDeleted ? deleted : ' of the file'}`, RANK.owned), ...known };
    return { end: Math.min(base + volume.blockSize, base + within + left), what: `${inode?.kind === 'link' ? 'target of a link' : 'data'}${deleted}`, ...known };
  }

  #specialContent(inode: number, logical: number): string | undefined {
    const { volume } = this.#ext4;
    if (inode === volume.journalInode) return `ext4 journal: block ${logical}`;
    if (inode === volume.orphanInode && inode !== 0) return `ext4 orphan file, block ${logical}`;
    if (inode === INO.resize) return 'ext4 room for more group descriptors';
    if (inode === INO.badBlocks) return 'ext4 bad block';
    const quota = volume.quotaInodes.indexOf(inode);
    return quota < 0 || inode === 0 ? undefined : `ext4 ${['user', 'group', 'project'][quota] ?? ''} quota file, block ${logical}`;
  }
}
