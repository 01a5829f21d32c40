import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PackageTree } from '@vpmem/testbed';

/** What xfs_db says of a block. */
export interface XfsUse {
  readonly type: string;
  readonly inode: number | undefined;
  readonly path: string | undefined;
}

/** The programs of xfsprogs that make images and say what is in them. */
export class XfsTools {
  readonly #tools: PackageTree;
  readonly #folder: string;

  constructor(tools: PackageTree, folder: string) {
    this.#tools = tools;
    this.#folder = folder;
  }

  /** An image with what is in `source`, as small as mkfs.xfs lets tests make it. */
  make(name: string, size: number, options: readonly string[], source: string): string {
    const [image, prototype] = [join(this.#folder, name), join(this.#folder, 'prototype')];
    writeFileSync(image, '');
    truncateSync(image, size);
    writeFileSync(prototype, ['/dev/null', '0 0', 'd--755 0 0', ...prototypeLines(source), '$', ''].join('\n'));
    this.#run('usr/sbin/mkfs.xfs', ['--unsupported', '-q', '-f', '-p', prototype, ...options, image]);
    return image;
  }

  /** The use of each block, by xfs_db's blockuse. Blocks are numbered through all groups. */
  blockUse(image: string): XfsUse[] {
    const number = (name: string): number => Number(new RegExp(`^${name} = (\\d+)`, 'm').exec(superblock)?.[1] ?? Number.NaN);
    const superblock = this.ask(image, ['sb 0', 'print agblocks agcount dblocks agblklog']);
    const [perGroup, groups, blocks, bits] = [number('agblocks'), number('agcount'), number('dblocks'), number('agblklog')];
    const commands = ['blockget -n'];
    for (let group = 0; group < groups; group++) commands.push(`fsblock ${group * 2 ** bits}`, `blockuse -n -c ${Math.min(perGroup, blocks - group * perGroup)}`);
    const lines = [...this.ask(image, commands).matchAll(/^block \d+ \(\d+\/\d+\) type (\S+)(?: inode (\d+)(?: (.*))?)?$/gm)];
    return lines.map(([, type = '', inode, path]) => ({ type, inode: inode === undefined ? undefined : Number(inode), path: path === undefined || path === '' ? undefined : `/${path === '.' || path === '/.' ? '' : path}` }));
  }

  ask(image: string, commands: readonly string[]): string {
    return this.#run('usr/sbin/xfs_db', ['-r', ...commands.flatMap((each) => ['-c', each]), image]);
  }

  #run(program: string, words: readonly string[]): string {
    const [command = '', ...first] = this.#tools.command(program);
    return execFileSync(command, [...first, ...words], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 256 * 2 ** 20 });
  }
}

function prototypeLines(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) return [`${name} d--755 0 0`, ...prototypeLines(path), '$'];
    return stat.isSymbolicLink() ? [`${name} l--777 0 0 ${readlinkSync(path)}`] : [`${name} ---644 0 0 ${path}`];
  });
}
