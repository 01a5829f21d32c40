import { le16, le32, le64, le64big, struct } from '@vpmem/layout';

/** Linux, linux/fuse.h, protocol 7.31: the part of it that one file takes which is read, written and looked at. */
export const FUSE_VERSION = { major: 7, minor: 31 } as const;
export const FUSE_ROOT_ID = 1;

/** enum fuse_opcode */
export const OPCODE = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;

/** Flags of fuse_init_out: reads and writes of several requests at once, of more than a page, of more than 32 pages. */
export const INIT_FLAGS = { asyncRead: 1, bigWrites: 1 << 5, asyncDio: 1 << 15, maxPages: 1 << 22 } as const;
/** Flags of fuse_open_out: no page cache, so each read(2) is a message; writes that do not wait for each other. */
export const OPEN_FLAGS = { directIo: 1, parallelDirectWrites: 1 << 6 } as const;

/** struct fuse_in_header */
export const InHeader = struct('fuse_in_header', {
  len: le32,
  opcode: le32,
  unique: le64big,
  nodeid: le64,
  uid: le32,
  gid: le32,
  pid: le32,
  total_extlen: le16,
  padding: le16,
});

/** struct fuse_out_header; `error` is a negative errno, as 32 bits without a sign. */
export const OutHeader = struct('fuse_out_header', { len: le32, error: le32, unique: le64big });

/** struct fuse_init_out */
export const InitOut = struct('fuse_init_out', {
  major: le32,
  minor: le32,
  max_readahead: le32,
  flags: le32,
  max_background: le16,
  congestion_threshold: le16,
  max_write: le32,
  time_gran: le32,
  max_pages: le16,
  map_alignment: le16,
  flags2: le32,
  unused_0: le32,
  unused_1: le32,
  unused_2: le32,
  unused_3: le32,
  unused_4: le32,
  unused_5: le32,
  unused_6: le32,
});

const attr = {
  ino: le64,
  size: le64,
  blocks: le64,
  atime: le64,
  mtime: le64,
  ctime: le64,
  atimensec: le32,
  mtimensec: le32,
  ctimensec: le32,
  mode: le32,
  nlink: le32,
  uid: le32,
  gid: le32,
  rdev: le32,
  blksize: le32,
  flags: le32,
};

/** struct fuse_entry_out, with its struct fuse_attr */
export const EntryOut = struct('fuse_entry_out', {
  nodeid: le64,
  generation: le64,
  entry_valid: le64,
  attr_valid: le64,
  entry_valid_nsec: le32,
  attr_valid_nsec: le32,
  ...attr,
});

/** struct fuse_attr_out, with its struct fuse_attr */
export const AttrOut = struct('fuse_attr_out', { attr_valid: le64, attr_valid_nsec: le32, dummy: le32, ...attr });

/** struct fuse_open_out */
export const OpenOut = struct('fuse_open_out', { fh: le64, open_flags: le32, padding: le32 });

/** struct fuse_read_in */
export const ReadIn = struct('fuse_read_in', { fh: le64, offset: le64, size: le32, read_flags: le32, lock_owner: le64big, flags: le32, padding: le32 });

/** struct fuse_write_in; the data follows. */
export const WriteIn = struct('fuse_write_in', { fh: le64, offset: le64, size: le32, write_flags: le32, lock_owner: le64big, flags: le32, padding: le32 });

/** struct fuse_write_out */
export const WriteOut = struct('fuse_write_out', { size: le32, padding: le32 });

/** struct fuse_statfs_out, its struct fuse_kstatfs */
export const StatfsOut = struct('fuse_statfs_out', {
  blocks: le64,
  bfree: le64,
  bavail: le64,
  files: le64,
  ffree: le64,
  bsize: le32,
  namelen: le32,
  frsize: le32,
  padding: le32,
  spare_0: le32,
  spare_1: le32,
  spare_2: le32,
  spare_3: le32,
  spare_4: le32,
  spare_5: le32,
});
