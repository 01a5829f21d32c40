import { nameText } from '../file-tree.ts';
import type { ImageView } from '../image-view.ts';
import type { Part, PartAt } from '../stretch.ts';
import type { Fork } from './xfs-inode.ts';
import type { XfsVolume } from './xfs-volume.ts';

/** Where in a folder's content the hashes begin, and where the list of free room does. XFS Algorithms & Data Structures, Directories. */
export const LEAF_OFFSET = 2 ** 35;
export const FREE_OFFSET = 2 ** 36;

const BLOCK_MAGICS = [0x5844_4233, 0x5844_3242];
const DATA_MAGICS = [0x5844_4433, 0x5844_3244];
const UNUSED = 0xffff;
/** Bytes before the entries, of versions 4 and 5. */
const HEADER = { v4: 16, v5: 64 } as const;
const TAIL = 8;
const LEAF_ENTRY = 8;

/** An entry of a folder, where it lies. */
export interface XfsEntry {
  /** Bytes from the start of what was given. */
  readonly offset: number;
  readonly length: number;
  readonly inode: number;
  readonly name: string;
}

/** Entries of a block of a folder with data, up to the first that cannot be one; those that are unused have no name. */
export function* dataEntries(volume: XfsVolume, bytes: Uint8Array): Generator<XfsEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const isBlock = BLOCK_MAGICS.includes(magic);
  if (!isBlock && !DATA_MAGICS.includes(magic)) return;
  const end = isBlock ? bytes.length - TAIL - Math.min(view.getUint32(bytes.length - TAIL), bytes.length / LEAF_ENTRY) * LEAF_ENTRY : bytes.length;
  for (let offset: number = volume.isV5 ? HEADER.v5 : HEADER.v4; offset + 8 <= end; ) {
    if (view.getUint16(offset) === UNUSED) {
      const length = view.getUint16(offset + 2);
      if (length < 8 || length % 8 !== 0) return;
      yield { offset, length, inode: 0, name: '' };
      offset += length;
      continue;
    }
    if (offset + 12 > end) return;
    const nameLength = view.getUint8(offset + 8);
    const length = Math.ceil((9 + nameLength + (volume.hasFtype ? 1 : 0) + 2) / 8) * 8;
    if (nameLength === 0 || offset + length > end) return;
    yield { offset, length, inode: view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4), name: nameText(bytes.subarray(offset + 9, offset + 9 + nameLength)) };
    offset += length;
  }
}

/** Entries of a folder that is in its inode. */
export function* shortEntries(volume: XfsVolume, bytes: Uint8Array): Generator<XfsEntry> {
  if (bytes.length < 6) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [count, wide] = [view.getUint8(0), view.getUint8(1)];
  const inodeSize = wide > 0 ? 8 : 4;
  let offset = 2 + inodeSize;
  for (let i = 0; i < count + (count === 0 ? wide : 0); i++) {
    if (offset + 3 > bytes.length) return;
    const nameLength = view.getUint8(offset);
    const at = offset + 3 + nameLength + (volume.hasFtype ? 1 : 0);
    const length = at + inodeSize - offset;
    if (nameLength === 0 || offset + length > bytes.length) return;
    const inode = inodeSize === 8 ? view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4) : view.getUint32(at);
    yield { offset, length, inode, name: nameText(bytes.subarray(offset + 3, offset + 3 + nameLength)) };
    offset += length;
  }
}

/** What the block of a folder at `base` is, of which `logical` is the place in the folder in bytes. */
export function xfsFolderBlock(volume: XfsVolume, base: number, logical: number): { readonly what: string; readonly partAt?: PartAt } {
  if (logical >= FREE_OFFSET) return { what: 'XFS directory, list of free room' };
  if (logical >= LEAF_OFFSET) return { what: 'XFS directory, hashes of names' };
  const bytes = volume.view.bytes(base, volume.folderBlockSize);
  return { what: 'XFS directory block', partAt: entryParts(base, [...dataEntries(volume, bytes)], volume.isV5 ? HEADER.v5 : HEADER.v4) };
}

/** Parts of a folder in its inode. */
export function shortFolderParts(volume: XfsVolume, view: ImageView, fork: Fork): PartAt {
  return entryParts(fork.address, [...shortEntries(volume, view.bytes(fork.address, fork.length))], 0);
}

function entryParts(base: number, entries: readonly XfsEntry[], header: number): PartAt {
  return (offset): Part | undefined => {
    if (offset - base < header) return { end: base + header, label: 'header' };
    const entry = entries.find((each) => offset - base < each.offset + each.length);
    if (entry === undefined || offset - base < entry.offset) return undefined;
    return { end: base + entry.offset + entry.length, label: entry.name === '' ? 'unused entry' : `entry ${entry.name}` };
  };
}
