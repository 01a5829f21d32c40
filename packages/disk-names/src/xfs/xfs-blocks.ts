import { fieldsAt, firstPart, RANK, rowsAt, runText, type PartAt, type Rank, type Run, type Stretch } from '../stretch.ts';
import { shortFolderParts, xfsFolderBlock } from './xfs-folder.ts';
import { unpackExtent, XfsInode, type Fork } from './xfs-inode.ts';
import type { XfsKnowledge } from './xfs-knowledge.ts';
import { Agf, AgflHeader, Agi, Dinode2, Dinode3, FORMAT, XfsSuperBlock } from './xfs-layout.ts';
import type { XfsOwner } from './xfs-owners.ts';

/** Says what the byte at `offset` of an XFS is. */
export function xfsStretch(xfs: XfsKnowledge, offset: number): Stretch {
  const { volume } = xfs;
  const { blockSize, groupBlocks, sectorSize, logStart, logBlocks } = volume;
  const block = Math.floor(offset / blockSize);
  const group = Math.floor(block / groupBlocks);
  const inGroup = offset - group * groupBlocks * blockSize;
  if (inGroup < 4 * sectorSize) return headerStretch(xfs, group, Math.floor(inGroup / sectorSize));
  const whole = (what: string, rank: Rank): Stretch => ({ end: (block + 1) * blockSize, rank, what });
  if (block === group * groupBlocks) return whole(`XFS group ${group}, rest of its headers' block`, RANK.structure);
  if (logStart !== undefined && block >= logStart && block < logStart + logBlocks) return xfs.log.stretch(offset);
  const known = xfs.groups.map.find(block)?.value;
  if (known?.kind === 'tree') return { ...whole(`XFS ${known.tree} of group ${group}, level ${known.level}`, RANK.owned), partAt: fieldsAt(volume.shortTree, block * blockSize) };
  if (known?.kind === 'free list') return whole(`XFS block ${block}, kept for B+trees of group ${group}`, RANK.owned);
  if (known?.kind === 'inodes') return inodeStretch(xfs, block, Math.floor((offset - block * blockSize) / volume.inodeSize));
  const owner = xfs.owners.find(block);
  if (owner !== undefined) return ownedStretch(xfs, owner.value, block, block - owner.start, offset);
  const isFree = known?.kind === 'free';
  const run: Run = isFree ? { noun: 'XFS free block', number: block } : { noun: 'XFS block', number: block, remark: ', in use by nobody that is known' };
  return { ...whole(runText(run), isFree ? RANK.unused : RANK.used), run };
}

function headerStretch({ volume }: XfsKnowledge, group: number, sector: number): Stretch {
  const at = group * volume.groupBlocks * volume.blockSize + sector * volume.sectorSize;
  const header = volume.isV5 ? AgflHeader.size : 0;
  const list = rowsAt(at + header, at + volume.sectorSize, 4, (index) => `block ${index} of the list`);
  const headers: readonly (readonly [string, PartAt])[] = [
    [group === 0 ? 'XFS superblock' : `XFS superblock (backup in group ${group})`, fieldsAt(XfsSuperBlock, at)],
    [`XFS AGF of group ${group}`, fieldsAt(Agf, at)],
    [`XFS AGI of group ${group}`, firstPart(rowsAt(at + Agi.fields.agi_unlinked.offset, at + Agi.fields.agi_uuid.offset, 4, (index) => `agi_unlinked[${index}]`), fieldsAt(Agi, at))],
    [`XFS AGFL of group ${group}`, volume.isV5 ? firstPart(fieldsAt(AgflHeader, at), list) : list],
  ];
  const [what, partAt] = headers[sector] ?? ['XFS group headers', list];
  return { end: at + volume.sectorSize, rank: RANK.owned, what, partAt };
}

function inodeStretch(xfs: XfsKnowledge, block: number, index: number): Stretch {
  const { volume } = xfs;
  const number = volume.inodeNumber(block, index);
  const inode = new XfsInode(volume, number, block * volume.blockSize + index * volume.inodeSize);
  const known = { end: inode.address + volume.inodeSize, group: `XFS inodes of group ${Math.floor(block / volume.groupBlocks)}`, inode: number };
  const partAt: PartAt = (offset) => inodeParts(xfs, inode)(offset);
  const special = specialName(xfs, number);
  if (special !== undefined) return { ...known, partAt, rank: RANK.owned, what: `XFS inode ${number}, of the ${special}` };
  const path = xfs.tree.path(number);
  if (path !== undefined) return { ...known, partAt, rank: RANK.owned, what: `XFS inode ${number} of ${path}`, path };
  const run: Run = { noun: 'XFS inode', number, remark: ', not in use' };
  if (inode.isEmpty) return { ...known, partAt, rank: RANK.unused, what: runText(run), run };
  return { ...known, partAt, rank: RANK.structure, what: `XFS inode ${number}, ${inode.links === 0 ? 'deleted' : 'which no directory has'}` };
}

function inodeParts({ volume }: XfsKnowledge, inode: XfsInode): PartAt {
  const fields = fieldsAt(inode.fieldsEnd === Dinode3.size ? Dinode3 : Dinode2, inode.address);
  const { data, attributes } = inode;
  const dataParts = inode.kind === 'folder' && data.format === FORMAT.local ? shortFolderParts(volume, volume.view, data) : forkParts(volume.view.view(data.address, data.length), data);
  const rest = rowsAt(data.address, data.address + data.length, data.length, () => 'data fork');
  return firstPart(fields, dataParts, rest, attributes === undefined ? rest : rowsAt(attributes.address, attributes.address + attributes.length, attributes.length, () => 'attribute fork'));
}

function forkParts(view: DataView, fork: Fork): PartAt {
  if (fork.format !== FORMAT.extents) return () => undefined;
  const end = fork.address + Math.floor(Math.min(fork.extents * 16, fork.length) / 16) * 16;
  return rowsAt(fork.address, end, 16, (index) => `extent of file block ${unpackExtent(view, index * 16).logical}`);
}

function ownedStretch(xfs: XfsKnowledge, owner: XfsOwner, block: number, index: number, offset: number): Stretch {
  const { volume, tree } = xfs;
  const { blockSize } = volume;
  const whole = (what: string, rank: Rank): Stretch => ({ end: (block + 1) * blockSize, rank, what });
  const special = specialName(xfs, owner.inode);
  if (special !== undefined) return whole(`XFS ${special}, block ${owner.logical + index}`, RANK.owned);
  const inode = xfs.inode(owner.inode);
  const path = tree.path(owner.inode);
  const whose = path ?? `inode ${owner.inode}`;
  const rank = path === undefined ? RANK.structure : RANK.owned;
  const known = { inode: owner.inode, ...(path === undefined ? {} : { path }) };
  if (owner.kind === 'tree') return { ...whole(`XFS extent B+tree of ${whose}, level ${owner.level}`, rank), ...known, partAt: fieldsAt(volume.longTree, block * blockSize) };
  if (owner.fork === 'attributes') return { ...whole(`XFS extended attributes of ${whose}, block ${owner.logical + index}`, rank), ...known };
  const fileOffset = (owner.logical + index) * blockSize + offset - block * blockSize;
  if (inode?.kind === 'folder') {
    // A block of the folder may be several of the file system, whose first one has the header.
    const behind = fileOffset % volume.folderBlockSize;
    return { ...whole('', rank), ...known, fileOffset, ...xfsFolderBlock(volume, offset - behind, fileOffset) };
  }
  if (owner.unwritten) return { ...whole('allocated, never written', rank), ...known, fileOffset };
  if (inode?.kind === 'link') return { ...whole('target of a link', rank), ...known, fileOffset };
  const left = (inode?.size ?? 0) - fileOffset;
  const deleted = inode?.links === 0 ? ' of a deleted file' : '';
  if (left <= 0) return { ...whole(`after the end${deleted === '' ? ' of the file' : deleted}`, rank), ...known, fileOffset };
  return { end: Math.min((block + 1) * blockSize, offset + left), rank, what: `data${deleted}`, ...known, fileOffset };
}

function specialName({ volume }: XfsKnowledge, inode: number): string | undefined {
  const quota = inode === 0 ? -1 : volume.quotaInodes.indexOf(inode);
  if (quota >= 0) return `${['user', 'group', 'project'][quota] ?? ''} quota file`;
  const realtime = volume.realtimeInodes.indexOf(inode);
  return realtime < 0 ? undefined : `realtime ${realtime === 0 ? 'bitmap' : 'summary'}`;
}
