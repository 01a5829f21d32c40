import { expect, it } from 'vitest';
import { panicSignature } from './kernel-words.ts';

it.each([
  ['[    9.1] sysrq: Trigger a crash\n[    9.2] Kernel panic - not syncing: sysrq triggered crash\n', 'kernel: Kernel panic - not syncing: sysrq triggered crash'],
  [
    '[   12.345678][  T77] EXT4-fs (pmem0): hello\n[   12.4] BUG: kernel NULL pointer dereference, address: 0000000000000010\n[   12.5] Oops: Oops: 0000 [#1]\n[   12.6] Kernel panic - not syncing: Fatal exception\n',
    'kernel: BUG: kernel NULL pointer dereference, address: …',
  ],
  ['[    1.0] kernel BUG at fs/ext4/inode.c:2732!\n[    1.1] Kernel panic - not syncing: Fatal exception', 'kernel: kernel BUG at fs/ext4/inode.c:2732!'],
  ['', 'kernel: it ended without a message'],
])('groups a kernel that ended by what it said first: %#', (console, signature) => {
  expect(panicSignature(console)).toBe(signature);
});
