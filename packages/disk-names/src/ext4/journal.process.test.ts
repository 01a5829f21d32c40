// Journals that debugfs and the kernel have written, against debugfs' logdump.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ext4Tools } from '../../tests/ext4-tools.ts';
import { FileImage } from '../../tests/file-image.ts';
import { listFiles } from '../files.ts';
import { ImageView } from '../image-view.ts';
import { nameBytes } from '../name-bytes.ts';
import { Ext4Reader } from './ext4-reader.ts';

const { testbed, reason } = await requireTestbed();
const isRoot = process.getuid?.() === 0;
const MIB = 2 ** 20;

describe.skipIf(testbed === undefined)(`ext4's journal${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let tools: Ext4Tools;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-ext4-journal-'));
    if (testbed !== undefined) tools = new Ext4Tools(testbed.tools, folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Names of the blocks of the journal of which logdump tells, which have to be what it says. */
  const compare = (path: string): string[] => {
    const reader = Ext4Reader.find(new ImageView(new FileImage(path)));
    if (reader === undefined) throw new Error('no ext4 was found');
    const at = (block: number): string => reader.journal.stretch(block, 0).what;
    const text = tools.ask(path, ['logdump -a']);
    let sequence = 0;
    const names: string[] = [];
    for (const line of text.split('\n')) {
      const [, found, type, block] = /^Found expected sequence (\d+), type (\d) .* at block (\d+)$/.exec(line) ?? [];
      const [, home, copy] = /^ {2}FS block (\d+) logged at journal block (\d+)/.exec(line) ?? [];
      if (found !== undefined) {
        sequence = Number(found);
        const kind = { 1: 'descriptor', 2: 'commit', 5: 'revoke' }[Number(type)] ?? '';
        expect(at(Number(block))).toBe(`ext4 journal: ${kind} block of transaction ${sequence}`);
        names.push(at(Number(block)));
      } else if (home !== undefined) {
        expect(at(Number(copy))).toMatch(new RegExp(`^ext4 journal: transaction ${sequence}, copy of block ${home} `));
        names.push(at(Number(copy)));
      }
    }
    return names;
  };

  it.each([
    ['64 bits, checksums', ['-b', '4096'], '-c'],
    ['32 bits, none', ['-b', '1024', '-O', '^64bit,^metadata_csum'], ''],
    ['checksums of version 2', ['-b', '4096', '-O', '^64bit'], '-c -v 2'],
  ])('of debugfs: %s', (_, options, checksum) => {
    const path = tools.make('image', 64 * MIB, options);
    const blocks = [join(folder, 'one'), join(folder, 'three')];
    writeFileSync(blocks[0]!, Buffer.alloc(4096, 1));
    writeFileSync(blocks[1]!, Buffer.alloc(3 * 4096, 3));
    tools.ask(path, [`jo ${checksum}`, `jw -b 3000 ${blocks[0]}`, `jw -b 3001,3005,3002 ${blocks[1]}`, 'jw -r 7777,7779', 'jc'], ['-w']);
    const names = compare(path);
    expect(names.some((name) => name.startsWith('ext4 journal: transaction 2, copy of block 3005 ('))).toBe(true);
    const reader = Ext4Reader.find(new ImageView(new FileImage(path)));
    const revoke = names.indexOf('ext4 journal: revoke block of transaction 3') + 1;
    const address = (reader?.owners.blocksOf(8)[revoke] ?? 0) * (reader?.volume.blockSize ?? 0);
    const width = options.includes('-O') ? 4 : 8;
    expect(nameBytes([new FileImage(path)], [{ offset: address + 16 + width, length: width }]).map(({ name }) => name)).toEqual(['ext4 journal: revoke block of transaction 3: block 7779']);
  });

  it.skipIf(!isRoot)(`of the kernel${isRoot ? '' : ' (skipped: needs root to mount)'}`, () => {
    const path = tools.make('image', 64 * MIB, ['-b', '4096']);
    const mount = join(folder, 'mount');
    const [before, after] = [join(folder, 'before'), join(folder, 'after')];
    mkdirSync(mount);
    execFileSync('mount', ['-o', 'loop', path, mount]);
    try {
      for (const name of ['a', 'b']) {
        mkdirSync(join(mount, name));
        writeFileSync(join(mount, name, 'file'), name.repeat(5000));
        execFileSync('sync', [join(mount, name, 'file')]);
      }
      rmSync(join(mount, 'a'), { recursive: true });
      execFileSync('sync', ['-f', mount]);
      copyFileSync(path, before);
      writeFileSync(join(mount, 'b/second'), 'new');
      execFileSync('sync', ['-f', mount]);
      copyFileSync(path, after);
    } finally {
      execFileSync('umount', [mount]);
    }
    const names = compare(before);
    expect(names.some((name) => / copy of block \d+ \(\/b at 0: ext4 directory block/.test(name))).toBe(true);
    expect(names.some((name) => /\(ext4 inode \d+ of \/b\/file\)|\(ext4 inode 1, of bad blocks\)/.test(name))).toBe(true);
    expect(names.some((name) => name.startsWith('ext4 journal: revoke block of transaction'))).toBe(true);

    const image = new FileImage(path);
    expect(listFiles(image)?.map((each) => each.path)).toEqual(['/', '/lost+found', '/b', '/b/file', '/b/second']);
    const all = nameBytes([image, new FileImage(before)], [{ offset: 0, length: image.size }]).map(({ name }) => name);
    expect(all.find((name) => name.startsWith('ext4 superblock: '))).toMatch(/s_checksum/);
    expect(all.find((name) => name.startsWith('/b at 0: '))).toMatch(/^\/b at 0: ext4 directory block: .*entry second/);
    expect(all.find((name) => /^ext4 inode \d+ of \/b: /.test(name))).toMatch(/i_mtime.*l_i_checksum_lo|l_i_version/);
    expect(all.find((name) => /^ext4 inode \d+ of \/b\/second: /.test(name))).toMatch(/i_mode/);
  });
});
