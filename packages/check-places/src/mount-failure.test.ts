import { expect, it } from 'vitest';
import { mountFailure } from './mount-failure.ts';

const error = new Error('mount: structure needs cleaning (EUCLEAN)');
const told = (device: string, ...texts: string[]): string => mountFailure(error, device, texts.map((text) => ({ level: 3, text }))).signature;

it.each([
  ['EXT4-fs (loop7): VFS: Found ext4 filesystem with invalid superblock checksum.  Run e2fsck?', 'EXT4-fs: VFS: Found ext4 filesystem with invalid superblock checksum.  Run e2fsck?'],
  ['JBD2: journal transaction 8 on loop7-8 is corrupt.', 'JBD2: journal transaction N on the device is corrupt.'],
  ['EXT4-fs error (device loop7): ext4_get_journal_inode:5808: comm node: inode #8: block 34: comm node: bad block', 'EXT4-fs error: ext4_get_journal_inode:N: comm P: inode #N: block N: comm P: bad block'],
  ['EXT4-fs error (device loop7 state EA): ext4_mark_recovery_complete: bad', 'EXT4-fs error: ext4_mark_recovery_complete: bad'],
  ['XFS (loop7): Metadata CRC error detected at xfs_agf_read_verify+0x5f/0x70 [xfs], xfs_agf block 0x1 ', 'XFS: Metadata CRC error detected at xfs_agf_read_verify+N/N [xfs], xfs_agf block N'],
])('leaves out what differs where the failure is one: %s', (text, wanted) => {
  expect(told('/dev/loop7', text)).toBe(`mount: structure needs cleaning (EUCLEAN): ${wanted}`);
  // On another device, in a guest for one, it is the same.
  expect(told('/dev/pmem0', text.replaceAll('loop7', 'pmem0'))).toBe(told('/dev/loop7', text));
});

it('tells the first warning of this device, and all that was said of it', () => {
  const heard = [{ level: 6, text: 'loop7: well' }, { level: 3, text: 'EXT4-fs (loop70): bad' }, { level: 4, text: 'EXT4-fs (loop7): worse' }, { level: 2, text: 'EXT4-fs (loop7): worst' }];
  expect(mountFailure(error, '/dev/loop7', heard)).toEqual({ signature: 'mount: structure needs cleaning (EUCLEAN): EXT4-fs: worse', output: 'loop7: well\nEXT4-fs (loop7): worse\nEXT4-fs (loop7): worst\n' });
  expect(mountFailure(error, '/dev/loop7', []).signature).toBe('mount: structure needs cleaning (EUCLEAN)');
});
