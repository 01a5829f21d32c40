import { be16, be32, bytes, struct, u8 } from '@vpmem/layout';

/** SQLite, Database File Format 1.3, The Database Header */
export const DatabaseHeader = struct('sqlite_header', {
  magic: bytes(16),
  page_size: be16,
  write_version: u8,
  read_version: u8,
  reserved_space: u8,
  max_payload_fraction: u8,
  min_payload_fraction: u8,
  leaf_payload_fraction: u8,
  file_change_counter: be32,
  database_size: be32,
  first_freelist_trunk: be32,
  freelist_pages: be32,
  schema_cookie: be32,
  schema_format: be32,
  default_cache_size: be32,
  largest_root_page: be32,
  text_encoding: be32,
  user_version: be32,
  incremental_vacuum: be32,
  application_id: be32,
  reserved: bytes(20),
  version_valid_for: be32,
  sqlite_version_number: be32,
});
export const DATABASE_MAGIC = new TextEncoder().encode('SQLite format 3\0');

/** SQLite, Database File Format 1.6, B-tree Pages; the last member only where a page has pages below it. */
export const PageHeader = struct('btree_page_header', { page_type: u8, first_freeblock: be16, cell_count: be16, cell_content_start: be16, fragmented_bytes: u8, right_pointer: be32 });
/** SQLite, Database File Format 1.6: by the first byte of a page. */
export const PAGE_TYPES: Readonly<Record<number, string | undefined>> = { 2: 'index interior', 5: 'table interior', 10: 'index leaf', 13: 'table leaf' };

/** SQLite, Database File Format 4.1, WAL File Format */
export const WalHeader = struct('wal_header', { magic: be32, format_version: be32, page_size: be32, checkpoint_sequence: be32, salt_1: be32, salt_2: be32, checksum_1: be32, checksum_2: be32 });
export const WalFrame = struct('wal_frame_header', { page_number: be32, database_size: be32, salt_1: be32, salt_2: be32, checksum_1: be32, checksum_2: be32 });
/** The last bit says in which order of bytes checksums are made. */
export const WAL_MAGIC = 0x377f_0682;

/** SQLite, Database File Format 3, The Rollback Journal */
export const JournalFileHeader = struct('journal_header', { magic: bytes(8), page_count: be32, nonce: be32, initial_pages: be32, sector_size: be32, page_size: be32 });
export const ROLLBACK_MAGIC = Uint8Array.of(0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7);

/** A page's size as a header has it, where 1 stands for 64 KiB; undefined if it cannot be one. */
export function pageSize(field: number): number | undefined {
  const size = field === 1 ? 65536 : field;
  return size >= 512 && size <= 65536 && (size & (size - 1)) === 0 ? size : undefined;
}

export function startsWith(bytes_: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => bytes_[i] === byte);
}

export function dataView(bytes_: Uint8Array): DataView {
  return new DataView(bytes_.buffer, bytes_.byteOffset, bytes_.byteLength);
}
