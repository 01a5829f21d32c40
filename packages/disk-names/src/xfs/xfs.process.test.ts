// Images that mkfs.xfs has made, against what xfs_db says of every block of them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileImage } from '../../tests/file-image.ts';
import { fillSampleFolder } from '../../tests/sample-folder.ts';
import { XfsTools, type XfsUse } from '../../tests/xfs-tools.ts';
import { listFiles, readFile } from '../files.ts';
import { ImageView } from '../image-view.ts';
import { stretchText } from '../stretch.ts';
import { XfsReader } from './xfs-reader.ts';

const { testbed, reason } = await requireTestbed();
const MIB = 2 ** 20;

const FEATURES: readonly (readonly [string, number, readonly string[]])[] = [
  ['what mkfs.xfs makes', 64, []],
  ['blocks of 1 KiB', 64, ['-b', 'size=1024']],
  ['version 4', 64, ['-m', 'crc=0']],
  ['version 4, blocks of 512 bytes', 64, ['-m', 'crc=0', '-b', 'size=512']],
  ['directory blocks of 16 KiB, inodes of 1 KiB', 64, ['-n', 'size=16384', '-i', 'size=1024']],
  ['sectors of 4 KiB, no reverse mapping, one group', 64, ['-s', 'size=4096', '-m', 'rmapbt=0', '-d', 'agcount=1']],
];

describe.skipIf(testbed === undefined)(`XFS of mkfs.xfs${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let tools: XfsTools;
  const source = (): string => join(folder, 'source');
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-xfs-names-'));
    if (testbed !== undefined) tools = new XfsTools(testbed.tools, folder);
    mkdirSync(source());
    fillSampleFolder(source());
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(FEATURES)('%s: each block is of whom xfs_db says', (_, size, options) => {
    const path = tools.make('image', size * MIB, options, source());
    const image = new FileImage(path);
    const reader = XfsReader.find(new ImageView(image));
    if (reader === undefined) throw new Error('no XFS was found');
    const uses = tools.blockUse(path);
    expect(uses).toHaveLength(reader.volume.blocks);
    const wrong: string[] = [];
    const files = new Map<string, Buffer>();
    const content = (file: string): Buffer => {
      const bytes = files.get(file) ?? readFileSync(join(source(), file));
      files.set(file, bytes);
      return bytes;
    };
    for (const [block, use] of uses.entries()) {
      const stretch = reader.stretchAt(block * reader.volume.blockSize);
      const name = stretchText(stretch);
      // xfs_db has no type of its own for blocks of extents; they say what they are.
      const isTree = use.type === 'data' && name.startsWith(`XFS extent B+tree of ${use.path ?? ''}, level`) && /^BMA[3P]$/.test(Buffer.from(image.read(block * reader.volume.blockSize, 4)).toString('latin1'));
      if (!isTree && !isRight(name, use)) wrong.push(`${block}: ${name}; ${JSON.stringify(use)}`);
      if (stretch.what !== 'data' || stretch.path === undefined || stretch.fileOffset === undefined) continue;
      const own = content(stretch.path).subarray(stretch.fileOffset, stretch.fileOffset + 16);
      if (!own.equals(image.read(block * reader.volume.blockSize, own.length))) wrong.push(`${block}: not what ${name} says`);
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(uses.filter((use) => use.path !== undefined).length).toBeGreaterThan(1000);
  });

  it('lists and reads the files that were put there', () => {
    const image = new FileImage(tools.make('image', 64 * MIB, [], source()));
    expect(listFiles(image)).toHaveLength(1 + 7 + 300 + 2);
    for (const name of ['hello.txt', 'empty', 'large', 'many/deep/holes', 'many/a-name-that-is-not-short-77']) expect(Buffer.from(readFile(image, `/${name}`) ?? []).equals(readFileSync(join(source(), name))), name).toBe(true);
    expect(Buffer.from(readFile(image, '/link') ?? []).toString()).toBe('short');
    expect(Buffer.from(readFile(image, '/long-link') ?? []).toString()).toBe(`/${'long'.repeat(100)}`);
    expect(readFile(image, '/many')).toBeUndefined();
    expect(readFile(image, '/none')).toBeUndefined();
  });
});

const FIXED: Readonly<Record<string, RegExp>> = {
  sb: /^XFS superblock/,
  agf: /^XFS AGF/,
  agi: /^XFS AGI/,
  agfl: /^XFS AGFL/,
  btbno: /^XFS free space B\+tree by block/,
  btcnt: /^XFS free space B\+tree by size/,
  btino: /^XFS inode B\+tree/,
  btfino: /^XFS free inode B\+tree/,
  btrmap: /^XFS reverse mapping B\+tree/,
  btrefcnt: /^XFS reference count B\+tree/,
  freelist: /^XFS block \d+, kept for B\+trees/,
  free1: /^XFS free block/,
  free2: /^XFS free block/,
  inode: /^XFS inode/,
  log: /^XFS log/,
  rtbitmap: /^XFS realtime bitmap/,
  rtsum: /^XFS realtime summary/,
};

/** Whether a name is what xfs_db makes of the block. */
function isRight(name: string, { type, path, inode }: XfsUse): boolean {
  const fixed = FIXED[type];
  if (fixed !== undefined) return fixed.test(name);
  const what = { dir: 'XFS directory', data: 'data', symlink: 'target of a link' }[type];
  return what !== undefined && (name.startsWith(`${path ?? `inode ${inode ?? 0}`} at `) && name.includes(what));
}
