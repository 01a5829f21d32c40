import { describe, expect, it } from 'vitest';
import { FileTree, nameText, type FolderEntry } from './file-tree.ts';

function tree(folders: Readonly<Record<number, readonly FolderEntry[]>>, most?: number): FileTree {
  return new FileTree({ root: 2, isFolder: (inode) => folders[inode] !== undefined, entries: (inode) => folders[inode] ?? [] }, most);
}

describe('FileTree', () => {
  it('knows paths, and inodes by them', () => {
    const files = tree({ 2: [{ name: 'a', inode: 3 }, { name: 'f', inode: 5 }], 3: [{ name: 'b', inode: 4 }, { name: 'again', inode: 5 }], 4: [{ name: 'c', inode: 6 }] });
    expect([2, 3, 5, 6, 7].map((inode) => files.path(inode))).toEqual(['/', '/a', '/f', '/a/b/c', undefined]);
    expect(['/', '/a/again', 'a/b', '/a/none', '/f/x'].map((path) => files.find(path))).toEqual([2, 5, 4, undefined, undefined]);
    expect([...files.list()].map(({ path }) => path)).toEqual(['/', '/a', '/f', '/a/b', '/a/again', '/a/b/c']);
  });

  it('comes to an end in folders that have each other', () => {
    const files = tree({ 2: [{ name: 'a', inode: 3 }], 3: [{ name: 'b', inode: 4 }, { name: 'root', inode: 2 }], 4: [{ name: 'a', inode: 3 }] });
    expect(files.path(4)).toBe('/a/b');
  });

  it('comes to an end in a folder without one', () => {
    function* endless(): Generator<FolderEntry> {
      for (let i = 10; ; i++) yield { name: `${i}`, inode: i };
    }
    const files = new FileTree({ root: 2, isFolder: () => true, entries: endless }, 1000);
    expect(files.path(1000)).toBe('/1000');
    expect(files.path(1010)).toBeUndefined();
  });

  it('shows any name in one line', () => {
    expect(nameText(Uint8Array.of(0x61, 0x0a, 0x2f, 0x00, 0xc3, 0xa4))).toBe('a\\x0a\\x2f\\x00ä');
    expect(nameText(Uint8Array.of(0xff))).toBe('\ufffd');
  });
});
