import { describe, expect, it } from 'vitest';
import { MemoryImage } from '../tests/memory-image.ts';
import { GroupDescriptor, SuperBlock } from './ext4/superblock.ts';
import { Inode } from './ext4/inode.ts';
import { listFiles, readFile } from './files.ts';
import { nameBytes } from './name-bytes.ts';

const BLOCK = 1024;

/** An ext2 of 64 blocks of 1 KiB: bitmaps in 3 and 4, 16 inodes from 5 on, the root in 8, /f in 9 and 11. */
function tinyImage(): Uint8Array {
  const bytes = new Uint8Array(64 * BLOCK);
  const view = new DataView(bytes.buffer);
  SuperBlock.write(view, BLOCK, { s_inodes_count: 16, s_blocks_count_lo: 64, s_first_data_block: 1, s_blocks_per_group: 8192, s_inodes_per_group: 16, s_magic: 0xef53, s_rev_level: 1, s_first_ino: 11, s_inode_size: 128, s_feature_incompat: 2 });
  GroupDescriptor.write(view, 2 * BLOCK, { bg_block_bitmap_lo: 3, bg_inode_bitmap_lo: 4, bg_inode_table_lo: 5 });
  bytes.set([0xff, 0x07], 3 * BLOCK);
  const inode = (number: number, mode: number, size: number, blocks: readonly number[]): void => {
    const at = 5 * BLOCK + (number - 1) * 128;
    Inode.write(view, at, { i_mode: mode, i_size_lo: size, i_links_count: 1 });
    for (const [i, block] of blocks.entries()) view.setUint32(at + Inode.fields.i_block.offset + i * 4, block, true);
  };
  inode(2, 0x41ed, BLOCK, [8]);
  inode(12, 0x81a4, BLOCK + 10, [9, 11]);
  const entries: readonly (readonly [number, number, string])[] = [[2, 12, '.'], [2, 12, '..'], [12, 1000, 'f']];
  let at = 8 * BLOCK;
  for (const [number, length, name] of entries) {
    view.setUint32(at, number, true);
    view.setUint16(at + 4, length, true);
    bytes[at + 6] = name.length;
    bytes.set(Buffer.from(name), at + 8);
    at += length;
  }
  bytes.fill(0x61, 9 * BLOCK, 10 * BLOCK);
  bytes.fill(0x62, 11 * BLOCK, 11 * BLOCK + 10);
  return bytes;
}

const names = (images: readonly Uint8Array[], offset: number, length: number): string[] => nameBytes(images.map((bytes) => new MemoryImage(bytes)), [{ offset, length }]).map((each) => `${each.offset - offset}+${each.length} ${each.name}`);

describe('nameBytes', () => {
  it('splits a range at the borders of structures, and covers it', () => {
    expect(names([tinyImage()], 0, 13 * BLOCK)).toEqual([
      '0+1024 boot sectors',
      '1024+1024 ext4 superblock',
      '2048+32 ext4 descriptor of group 0',
      '2080+992 ext4 group descriptors, unused rest',
      '3072+1024 ext4 block bitmap of group 0',
      '4096+1024 ext4 inode bitmap of group 0',
      '5120+128 ext4 inode 1, of bad blocks',
      '5248+128 ext4 inode 2 of /',
      ...[['of the user quota'], ['of the group quota'], ['of the boot loader'], ['of undeletion'], ['of reserved group descriptors'], ['of the journal'], ['of excluded blocks'], ['of replicas']].map(([what = ''], i) => `${5376 + i * 128}+128 ext4 inode ${i + 3}, ${what}`),
      '6400+128 ext4 inode 11, not in use',
      '6528+128 ext4 inode 12 of /f',
      '6656+512 ext4 inodes 13 to 16, not in use',
      '7168+1024 ext4 block 7, in use by nobody that is known',
      '8192+1024 / at 0: ext4 directory block',
      '9216+1024 /f at 0: data',
      '10240+1024 ext4 block 10, in use by nobody that is known',
      '11264+10 /f at 1024: data',
      '11274+1014 /f at 1034: after the end of the file',
      '12288+1024 ext4 free block 12',
    ]);
  });

  it('tells path and offset in the file apart from the name', () => {
    const [data, inode] = nameBytes([new MemoryImage(tinyImage())], [{ offset: 11 * BLOCK + 4, length: 2 }, { offset: 5 * BLOCK + 11 * 128 + 4, length: 4 }]);
    expect(data).toEqual({ offset: 11 * BLOCK + 4, length: 2, name: '/f at 1028: data', path: '/f', fileOffset: 1028 });
    expect(inode).toEqual({ offset: 5 * BLOCK + 11 * 128 + 4, length: 4, name: 'ext4 inode 12 of /f: i_size_lo', path: '/f' });
  });

  it('names the fields and entries that differ between images, and not what else is there', () => {
    const [before, after] = [tinyImage(), tinyImage()];
    after[5 * BLOCK + 11 * 128 + 4] = 7;
    after[5 * BLOCK + 11 * 128 + 40] = 10;
    after[8 * BLOCK + 24 + 8] = 0x67;
    after[3 * BLOCK + 1] = 0x0f;
    after[BLOCK + SuperBlock.fields.s_checksum.offset] = 1;
    expect(names([after, before], BLOCK, BLOCK)).toEqual(['0+1024 ext4 superblock: s_checksum']);
    expect(names([after, before], 3 * BLOCK, BLOCK)).toEqual(['0+1024 ext4 block bitmap of group 0: blocks 9 to 16']);
    expect(names([after, before], 8 * BLOCK, BLOCK)).toEqual(['0+1024 / at 0: ext4 directory block: entry g']);
    expect(names([after, before], 6 * BLOCK, BLOCK)).toEqual(['0+256 ext4 inode table of group 0', '256+128 ext4 inode 11, not in use', '384+128 ext4 inode 12 of /g: i_size_lo, i_block[0]', '512+512 ext4 inodes 13 to 16, not in use']);
  });

  it('takes from another image what the first does not tell', () => {
    const [whole, torn] = [tinyImage(), tinyImage()];
    torn.fill(0, 8 * BLOCK, 9 * BLOCK);
    expect(names([torn], 9 * BLOCK, 4)).toEqual(['0+4 inode 12 at 0: data']);
    expect(names([torn, whole], 9 * BLOCK, 4)).toEqual(['0+4 /f at 0: data']);
    torn.fill(0, 0, 8 * BLOCK);
    expect(names([torn], 9 * BLOCK, 4)).toEqual(['0+4 unknown']);
    expect(names([torn, whole], 9 * BLOCK, 4)).toEqual(['0+4 /f at 0: data']);
  });

  it('knows a btrfs by its superblocks only', () => {
    const bytes = new Uint8Array(2 ** 17);
    bytes.set(Buffer.from('_BHRfS_M'), 65536 + 64);
    expect(names([bytes], 65000, 8192)).toEqual(['0+536 unknown', '536+4096 btrfs superblock', '4632+3560 unknown']);
  });

  it('says that it knows nothing of nothing', () => {
    expect(names([], 10, 20)).toEqual(['0+20 unknown']);
    expect(names([new Uint8Array(0)], 10, 20)).toEqual(['0+20 unknown']);
    expect(names([tinyImage()], 64 * BLOCK - 10, 100)).toEqual(['0+10 ext4 free block 63', '10+90 beyond the end of the ext4 file system']);
    expect(nameBytes([new MemoryImage(tinyImage())], [{ offset: 5, length: 0 }])).toEqual([]);
  });

  it('lists and reads files', () => {
    const image = new MemoryImage(tinyImage());
    expect(listFiles(image)).toEqual([{ path: '/', kind: 'folder', size: 1024 }, { path: '/f', kind: 'file', size: 1034 }]);
    expect(Buffer.from(readFile(image, '/f') ?? []).toString()).toBe(`${'a'.repeat(1024)}${'b'.repeat(10)}`);
    expect(readFile(image, '/')).toBeUndefined();
    expect(listFiles(new MemoryImage(new Uint8Array(4096)))).toBeUndefined();
  });

  it('bears any change of an image, and comes to an end', () => {
    const whole = tinyImage();
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 60; round++) {
      const bytes = whole.slice();
      for (let i = 0; i <= random(30); i++) bytes.fill([0, 0xff, random(256)][random(3)] ?? 0, BLOCK + random(8 * BLOCK), BLOCK + random(8 * BLOCK));
      for (let i = 0; i <= random(30); i++) bytes[BLOCK + random(8 * BLOCK)] = random(256);
      const found = nameBytes([new MemoryImage(bytes), new MemoryImage(whole)], [{ offset: 0, length: bytes.length }]);
      expect(found.reduce((at, each) => (each.offset === at ? at + each.length : -1), 0)).toBe(bytes.length);
    }
  });
});
