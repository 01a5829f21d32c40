import { fieldsAt, firstPart, RANK, rowsAt, runText, type PartAt, type Run, type Stretch } from '../stretch.ts';
import { attributesInInode } from './attributes.ts';
import { Extent, ExtentHeader, extentLabel } from './block-map.ts';
import type { Ext4Knowledge } from './ext4-knowledge.ts';
import { Ext4Inode, Inode, INODE_FLAG, SPECIAL_INODES } from './inode.ts';

/** What inode `number` is, whose bytes lie at `at`; `group` is the name of the table that it is in. */
export function inodeStretch(ext4: Ext4Knowledge, number: number, at: number, group: string): Stretch {
  const { volume } = ext4;
  const inode = new Ext4Inode(volume, number, at);
  const partAt: PartAt = (offset) => inodeParts(ext4, inode)(offset);
  const known = { end: at + volume.inodeSize, group, inode: number, partAt };
  const special = specialName(ext4, number);
  if (special !== undefined) return { ...known, rank: RANK.owned, what: `ext4 inode ${number}, ${special}` };
  const path = ext4.tree.path(number);
  if (path !== undefined) return { ...known, rank: RANK.owned, what: `ext4 inode ${number} of ${path}`, path };
  const run: Run = { noun: 'ext4 inode', number, remark: ', not in use' };
  if (inode.isEmpty) return { ...known, rank: RANK.unused, what: runText(run), run };
  return { ...known, rank: RANK.structure, what: `ext4 inode ${number}, ${inode.links === 0 ? 'deleted' : 'which no directory has'}` };
}

function inodeParts(ext4: Ext4Knowledge, inode: Ext4Inode): PartAt {
  const { view, inodeSize } = ext4.volume;
  return firstPart(blockParts(ext4, inode), inodeFields(inode), attributesInInode(view, inode.address, inode.fieldsEnd, inodeSize));
}

function specialName({ volume }: Ext4Knowledge, number: number): string | undefined {
  if (number === volume.journalInode) return 'of the journal';
  if (number === volume.orphanInode) return 'of the orphan file';
  if (number === volume.quotaInodes[2] && number !== 0) return 'of the project quota';
  return SPECIAL_INODES[number];
}

function inodeFields(inode: Ext4Inode): PartAt {
  const fields = fieldsAt(Inode, inode.address);
  return (offset) => (offset < inode.address + inode.fieldsEnd ? fields(offset) : undefined);
}

/** What is in i_block. */
function blockParts({ volume }: Ext4Knowledge, inode: Ext4Inode): PartAt {
  const base = inode.address + Inode.fields.i_block.offset;
  const end = base + Inode.fields.i_block.size;
  if (inode.has(INODE_FLAG.inlineData)) return rowsAt(base, end, end - base, () => 'i_block (content)');
  if (!inode.has(INODE_FLAG.extents)) return rowsAt(base, end, 4, (index) => `i_block[${index}]`);
  const label = extentLabel(volume.view, base);
  const rows = rowsAt(base + ExtentHeader.size, end, Extent.size, (index) => `i_block (${label(index) ?? 'unused'})`);
  const header = fieldsAt(ExtentHeader, base);
  return firstPart((offset) => (header(offset) === undefined ? undefined : { end: base + ExtentHeader.size, label: 'i_block (extent header)' }), rows);
}
