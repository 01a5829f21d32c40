// Images that mke2fs has made, against what debugfs and dumpe2fs say of every block of them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOracle } from '../../tests/ext4-oracle.ts';
import { Ext4Tools } from '../../tests/ext4-tools.ts';
import { FileImage } from '../../tests/file-image.ts';
import { fillSampleFolder } from '../../tests/sample-folder.ts';
import { ImageView } from '../image-view.ts';
import { stretchText } from '../stretch.ts';
import { Ext4Reader } from './ext4-reader.ts';

const { testbed, reason } = await requireTestbed();
const MIB = 2 ** 20;

const FEATURES: readonly (readonly [string, number, readonly string[]])[] = [
  ['blocks of 1 KiB', 48, ['-b', '1024']],
  ['blocks of 2 KiB, descriptors of 32 bytes, no checksums', 64, ['-b', '2048', '-O', '^64bit,^metadata_csum']],
  ['blocks of 4 KiB', 144, ['-b', '4096']],
  ['no groups of groups', 40, ['-b', '1024', '-O', '^flex_bg']],
  ['descriptors in meta groups', 160, ['-b', '1024', '-O', 'meta_bg,^resize_inode']],
  ['backups in two groups', 48, ['-b', '1024', '-O', 'sparse_super2,^resize_inode']],
  ['backups in all groups', 48, ['-b', '1024', '-O', '^sparse_super,^resize_inode']],
  ['clusters', 128, ['-b', '4096', '-O', 'bigalloc', '-C', '16384']],
  ['clusters of blocks of 1 KiB', 64, ['-b', '1024', '-O', 'bigalloc', '-C', '8192']],
  ['content in inodes', 48, ['-b', '1024', '-I', '512', '-O', 'inline_data']],
  ['no extents, no journal', 48, ['-b', '1024', '-O', '^extent,^64bit,^metadata_csum,^huge_file,^has_journal']],
  ['inodes of 128 bytes', 48, ['-b', '1024', '-I', '128']],
  ['MMP, quotas, an orphan file, fast commits', 64, ['-b', '4096', '-O', 'mmp,quota,project,orphan_file,fast_commit']],
];

describe.skipIf(testbed === undefined)(`ext4 of mke2fs${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let tools: Ext4Tools;
  const source = (): string => join(folder, 'source');
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-ext4-names-'));
    if (testbed !== undefined) tools = new Ext4Tools(testbed.tools, folder);
    mkdirSync(source());
    fillSampleFolder(source());
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(FEATURES)('%s: each block is of whom debugfs says', (_, size, options) => {
    const mmp = options.join().includes('mmp,');
    const path = tools.make('image', size * MIB, [...options.map((option) => option.replace('mmp,', '')), '-d', source()]);
    if (!options.join().includes('inline_data')) tools.indexFolders(path);
    tools.ask(path, [`ea_set /hello.txt user.long ${'v'.repeat(400)}`], ['-w']);
    // When all is written: whoever writes to a system with it waits 11 s for others first.
    if (mmp) tools.addFeature(path, 'mmp');
    const oracle = askOracle(tools, path);
    const image = new FileImage(path);
    const reader = Ext4Reader.find(new ImageView(image));
    expect(reader?.volume.blockSize).toBe(oracle.blockSize);
    if (reader === undefined) return;
    const wrong: string[] = [];
    let guarded = false;
    const files = new Map<string, Buffer>();
    const content = (file: string): Buffer => {
      const bytes = files.get(file) ?? readFileSync(join(source(), file));
      files.set(file, bytes);
      return bytes;
    };
    for (let block = 0; block < oracle.blocks; block++) {
      const stretch = reader.stretchAt(block * oracle.blockSize + (block === 0 && oracle.blockSize > 1024 ? 1024 : 0));
      const name = stretchText(stretch);
      if (name.includes('MMP')) guarded = true;
      const expected = expectation(oracle, block);
      if (!expected(name)) wrong.push(`${block}: ${name}; ${String(oracle.inodes.get(block))} ${oracle.metadata.get(block) ?? ''} ${oracle.free.has(block) ? 'free' : 'used'}`);
      if (stretch.path === undefined || stretch.fileOffset === undefined || stretch.what !== 'data') continue;
      const own = content(stretch.path).subarray(stretch.fileOffset, stretch.fileOffset + 16);
      if (!own.equals(image.read(block * oracle.blockSize, own.length))) wrong.push(`${block}: not what ${name} says`);
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(oracle.inodes.size).toBeGreaterThan(1000);
    expect(guarded).toBe(mmp);
  });
});

/** What the name of a block has to be, by what e2fsprogs knows. */
function expectation({ inodes, paths, metadata, free }: ReturnType<typeof askOracle>, block: number): (name: string) => boolean {
  const fixed = metadata.get(block);
  if (fixed !== undefined) {
    const words: Record<string, RegExp> = { 'inode table': /^ext4 inodes? \d+|^ext4 inode table .*rest/, 'group descriptors': /^ext4 (descriptor of group|group descriptors)/ };
    return (name) => (words[fixed] ?? new RegExp(`^ext4 ${fixed}`)).test(name);
  }
  const inode = inodes.get(block);
  if (inode === 8) return (name) => name.startsWith('ext4 journal');
  if (inode === 7) return (name) => /of inode 7|room for more/.test(name);
  if (inode !== undefined) {
    const known = paths.get(inode) ?? [];
    return (name) => known.some((path) => name.startsWith(`${path} at `) || new RegExp(`of ${path.replace(/[.*+?]/g, '\\$&')}(,|$)`).test(name)) || (known.length === 0 && /quota file|orphan file/.test(name)) || (inode === 2 && name.startsWith('/ at'));
  }
  if (free.has(block)) return (name) => name.startsWith('ext4 free block');
  return (name) => /MMP|boot sectors|in use by nobody/.test(name);
}
