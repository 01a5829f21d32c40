import { expect, it } from 'vitest';
import { makeCpio } from './cpio.ts';

/** Reads an archive as the kernel's initramfs/buffer-format documentation describes it: 6 characters, 13 fields of 8. */
function readCpio(bytes: Buffer) {
  const entries = [];
  for (let at = 0; ; ) {
    const field = (index: number): number => parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const [inode, mode, size, nameSize] = [field(0), field(1), field(6), field(11)];
    const name = bytes.toString('utf8', at + 110, at + 110 + nameSize - 1);
    expect(bytes[at + 110 + nameSize - 1]).toBe(0);
    const start = (at + 110 + nameSize + 3) & ~3;
    if (name === 'TRAILER!!!') {
      expect(start).toBe(bytes.length);
      return entries;
    }
    entries.push({ name, inode, mode: mode.toString(8), device: [field(9), field(10)], content: bytes.toString('utf8', start, start + size) });
    at = (start + size + 3) & ~3;
  }
}

it('writes every kind of entry', () => {
  const archive = makeCpio([
    { kind: 'directory', path: 'bin' },
    { kind: 'file', path: 'bin/a', bytes: Buffer.from('12345'), executable: true },
    { kind: 'file', path: 'bin/longer', bytes: Buffer.from('1234') },
    { kind: 'link', path: 'sbin', target: '/bin' },
    { kind: 'character-device', path: 'dev/console', major: 5, minor: 1 },
  ]);
  expect(readCpio(archive)).toEqual([
    { name: 'bin', inode: 1, mode: '40755', device: [0, 0], content: '' },
    { name: 'bin/a', inode: 2, mode: '100755', device: [0, 0], content: '12345' },
    { name: 'bin/longer', inode: 3, mode: '100644', device: [0, 0], content: '1234' },
    { name: 'sbin', inode: 4, mode: '120777', device: [0, 0], content: '/bin' },
    { name: 'dev/console', inode: 5, mode: '20600', device: [5, 1], content: '' },
  ]);
});
