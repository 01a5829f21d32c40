import { le16, le32, struct, u8 } from '@vpmem/layout';
import { nameText } from '../file-tree.ts';
import type { ImageView } from '../image-view.ts';
import { fieldsAt, firstPart, rowsAt, type PartAt } from '../stretch.ts';

/** Linux, Documentation/filesystems/ext4/directory.rst, struct ext4_dir_entry_2 without its name */
export const DirectoryEntry = struct('ext4_dir_entry_2', { inode: le32, rec_len: le16, name_len: u8, file_type: u8 });
/** Linux, Documentation/filesystems/ext4/directory.rst, struct dx_root, from dx_root_info on */
const RootInfo = struct('dx_root_info', { reserved_zero: le32, hash_version: u8, info_length: u8, indirect_levels: u8, unused_flags: u8 });
const CountLimit = struct('dx_countlimit', { limit: le16, count: le16, block: le32 });
/** Linux, Documentation/filesystems/ext4/directory.rst, struct ext4_dir_entry_tail */
const EntryTail = struct('ext4_dir_entry_tail', { det_reserved_zero1: le32, det_rec_len: le16, det_reserved_zero2: u8, det_reserved_ft: u8, det_checksum: le32 });
const TAIL_TYPE = 0xde;
/** `.` and `..` of a root, before dx_root_info. */
const ROOT_DOTS = 24;
const DX_ENTRY = 8;

/** An entry of a folder, where it lies. */
export interface PlacedEntry {
  /** Bytes from the start of what was given. */
  readonly offset: number;
  readonly length: number;
  readonly inode: number;
  readonly name: string;
  readonly isTail: boolean;
}

/** The entries of a stretch of a folder, up to the first that cannot be one. */
export function* folderEntries(bytes: Uint8Array): Generator<PlacedEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + DirectoryEntry.size <= bytes.length; ) {
    const { inode, rec_len, name_len, file_type } = DirectoryEntry.decode(view, offset);
    const length = rec_len === 0xffff || rec_len === 0 ? bytes.length - offset : rec_len;
    if (rec_len < DirectoryEntry.size && rec_len !== 0) return;
    if (length % 4 !== 0 || offset + length > bytes.length || DirectoryEntry.size + name_len > length) return;
    const name = nameText(bytes.subarray(offset + DirectoryEntry.size, offset + DirectoryEntry.size + name_len));
    yield { offset, length, inode, name, isTail: inode === 0 && name_len === 0 && file_type === TAIL_TYPE && rec_len === EntryTail.size };
    offset += length;
  }
}

/** What a block of a folder is. `first`: the folder's first block. `indexed`: it has a hash tree. */
export interface FolderBlock {
  readonly what: string;
  readonly partAt: PartAt;
}

/** Describes the block of a folder that lies at `base`. */
export function folderBlock(view: ImageView, base: number, blockSize: number, first: boolean, indexed: boolean): FolderBlock {
  const bytes = view.bytes(base, blockSize);
  const entries = [...folderEntries(bytes)];
  const isNode = indexed && !first && entries.length === 1 && entries[0]?.inode === 0 && entries[0].length === blockSize;
  if (indexed && (first || isNode)) return indexBlock(view, base, blockSize, first);
  const labels = (offset: number): ReturnType<PartAt> => {
    const entry = entries.find((each) => offset - base < each.offset + each.length);
    return entry === undefined || offset < base ? undefined : { end: base + entry.offset + entry.length, label: entryLabel(entry) };
  };
  return { what: 'ext4 directory block', partAt: labels };
}

export function entryLabel(entry: PlacedEntry): string {
  return entry.isTail ? 'checksum' : entry.inode === 0 ? 'unused entry' : `entry ${entry.name}`;
}

function indexBlock(view: ImageView, base: number, blockSize: number, isRoot: boolean): FolderBlock {
  const info = base + ROOT_DOTS;
  const table = isRoot ? info + RootInfo.size : base + DirectoryEntry.size;
  const end = base + blockSize;
  const { limit } = CountLimit.decode(view.view(table, CountLimit.size));
  const tail = table + limit * DX_ENTRY;
  const dots = rowsAt(base, info, 12, (index) => `entry ${index === 0 ? '.' : '..'}`);
  const heads = isRoot ? [dots, fieldsAt(RootInfo, info)] : [];
  const rows = rowsAt(table, Math.min(end, tail), DX_ENTRY, (index) => (index === 0 ? 'count of hashes' : `hash ${index}`));
  const checksum = rowsAt(Math.min(end, tail), Math.min(end, tail + DX_ENTRY), DX_ENTRY, () => 'checksum');
  return { what: isRoot ? 'ext4 directory, root of its hash tree' : 'ext4 directory, node of its hash tree', partAt: firstPart(...heads, rows, checksum) };
}
