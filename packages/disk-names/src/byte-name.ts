/** Something that can be read like a disk. */
export interface ReadableImage {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes, which are the reader's own; zeroes beyond the end. */
  read(offset: number, length: number): Uint8Array;
}

/** A stretch of a disk. */
export interface ByteRange {
  /** Bytes from the disk's start. */
  readonly offset: number;
  readonly length: number;
}

/** What some bytes of a disk are. */
export interface ByteName extends ByteRange {
  /** Such as `ext4 superblock: s_checksum`, `ext4 journal: commit block of transaction 12`, `/db.sqlite at 8192: SQLite table leaf, page 3`. */
  readonly name: string;
  /** Path, from the file system's root, of the file that they are in, or that they are about, as an inode is. */
  readonly path?: string;
  /** Bytes from that file's start, where they are in it. */
  readonly fileOffset?: number;
}
