import { expect, it } from 'vitest';
import { AttrOut, EntryOut, InHeader, InitOut, OpenOut, OutHeader, ReadIn, StatfsOut, WriteIn, WriteOut } from './fuse-protocol.ts';

it('has the sizes and offsets of linux/fuse.h', () => {
  const sizes = [InHeader, OutHeader, InitOut, EntryOut, AttrOut, OpenOut, ReadIn, WriteIn, WriteOut, StatfsOut].map(({ name, size }) => [name, size]);
  expect(Object.fromEntries(sizes)).toEqual({
    fuse_in_header: 40,
    fuse_out_header: 16,
    fuse_init_out: 64,
    fuse_entry_out: 128,
    fuse_attr_out: 104,
    fuse_open_out: 16,
    fuse_read_in: 40,
    fuse_write_in: 40,
    fuse_write_out: 8,
    fuse_statfs_out: 80,
  });
  expect([InHeader.fields.nodeid.offset, InitOut.fields.max_pages.offset, EntryOut.fields.mode.offset, AttrOut.fields.mode.offset]).toEqual([16, 28, 100, 76]);
});
