import { bytes, le16, le32, struct, u8 } from '@vpmem/layout';
import { nameText } from '../file-tree.ts';
import type { ImageView } from '../image-view.ts';
import { fieldsAt, firstPart, type Part, type PartAt } from '../stretch.ts';
import type { Ext4Inode } from './inode.ts';
import type { Ext4Volume } from './volume.ts';

/** Linux, Documentation/filesystems/ext4/attributes.rst, struct ext4_xattr_header */
const AttributeHeader = struct('ext4_xattr_header', { h_magic: le32, h_refcount: le32, h_blocks: le32, h_hash: le32, h_checksum: le32, h_reserved: bytes(12) });
/** Linux, Documentation/filesystems/ext4/attributes.rst, struct ext4_xattr_entry without its name */
const AttributeEntry = struct('ext4_xattr_entry', { e_name_len: u8, e_name_index: u8, e_value_offs: le16, e_value_inum: le32, e_value_size: le32, e_hash: le32 });
const MAGIC = 0xea02_0000;
const PREFIXES = ['', 'user.', 'system.posix_acl_access', 'system.posix_acl_default', 'trusted.', '', 'security.', 'system.', 'system.richacl', 'c'];
/** More than a block of 4 KiB has room for. */
const MOST_ENTRIES = 256;

/** An attribute, where its entry and its value lie: bytes from the image's start. */
interface PlacedAttribute {
  readonly name: string;
  readonly entry: number;
  readonly entryEnd: number;
  readonly value: number;
  readonly valueEnd: number;
}

/** The attributes whose entries begin at `first`; their values count from `base`; all of it before `end`. */
function attributes(view: ImageView, first: number, base: number, end: number): PlacedAttribute[] {
  const found: PlacedAttribute[] = [];
  for (let at = first; at + AttributeEntry.size <= end && found.length < MOST_ENTRIES; ) {
    const raw = view.view(at, AttributeEntry.size);
    // Four zeroes end the list.
    if (raw.getUint32(0, true) === 0) break;
    const { e_name_len, e_name_index, e_value_offs, e_value_inum, e_value_size } = AttributeEntry.decode(raw);
    const name = nameText(view.bytes(at + AttributeEntry.size, Math.min(e_name_len, end - at - AttributeEntry.size)));
    const entryEnd = at + AttributeEntry.size + Math.ceil(e_name_len / 4) * 4;
    const value = base + e_value_offs;
    const valueEnd = e_value_inum === 0 ? Math.min(end, value + Math.ceil(e_value_size / 4) * 4) : value;
    found.push({ name: `${PREFIXES[e_name_index] ?? ''}${name}`, entry: at, entryEnd, value, valueEnd });
    at = entryEnd;
  }
  return found;
}

function partsOf(found: readonly PlacedAttribute[]): PartAt {
  return (offset): Part | undefined => {
    for (const { name, entry, entryEnd, value, valueEnd } of found) {
      if (offset >= entry && offset < entryEnd) return { end: entryEnd, label: `entry ${name}` };
      if (offset >= value && offset < valueEnd) return { end: valueEnd, label: `value of ${name}` };
    }
    return undefined;
  };
}

/** Parts of a block of attributes at `base`. */
export function attributeBlock(view: ImageView, base: number, blockSize: number): PartAt {
  return firstPart(fieldsAt(AttributeHeader, base), partsOf(attributes(view, base + AttributeHeader.size, base, base + blockSize)));
}

/** Parts of the attributes that are in an inode whose bytes lie at `base`. */
export function attributesInInode(view: ImageView, base: number, fieldsEnd: number, inodeSize: number): PartAt {
  return partsOf(inInode(view, base, fieldsEnd, inodeSize));
}

function inInode(view: ImageView, base: number, fieldsEnd: number, inodeSize: number): PlacedAttribute[] {
  const first = base + fieldsEnd + 4;
  if (fieldsEnd + 4 > inodeSize || view.view(base + fieldsEnd, 4).getUint32(0, true) !== MAGIC) return [];
  return attributes(view, first, first, base + inodeSize);
}

/** The value of an attribute that is in the inode, padded to four bytes. */
export function attributeValue({ view, inodeSize }: Ext4Volume, { address, fieldsEnd }: Ext4Inode, name: string): Uint8Array | undefined {
  const found = inInode(view, address, fieldsEnd, inodeSize).find((each) => each.name === name);
  return found === undefined || found.valueEnd <= found.value ? undefined : view.bytes(found.value, found.valueEnd - found.value);
}
