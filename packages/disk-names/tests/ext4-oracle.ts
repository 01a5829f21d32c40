import type { Ext4Tools } from './ext4-tools.ts';

/** What e2fsprogs says of each block of an image. */
export interface BlockOracle {
  readonly blockSize: number;
  readonly blocks: number;
  /** Inode that has the block, by debugfs' icheck. */
  readonly inodes: ReadonlyMap<number, number>;
  /** A path of an inode, by debugfs' ncheck. */
  readonly paths: ReadonlyMap<number, readonly string[]>;
  /** Superblock, descriptors and so on, by dumpe2fs. */
  readonly metadata: ReadonlyMap<number, string>;
  readonly free: ReadonlySet<number>;
}

/** Numbers in one line of commands, which has 8 KiB at most. */
const AT_ONCE = 1000;

export function askOracle(tools: Ext4Tools, image: string): BlockOracle {
  const text = tools.groups(image);
  const number = (label: string): number => Number(new RegExp(`^${label}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  const [blocks, blockSize] = [number('Block count'), number('Block size')];
  const commands: string[] = [];
  const { metadata, free } = groups(text);
  // For each line debugfs goes through all inodes, so it is asked for no block of which dumpe2fs has said what it is.
  const owned = range(0, blocks).filter((block) => !metadata.has(block) && !free.has(block));
  for (let first = 0; first < owned.length; first += AT_ONCE) commands.push(`icheck ${owned.slice(first, first + AT_ONCE).join(' ')}`);
  const inodes = new Map<number, number>();
  for (const [, block, inode] of tools.ask(image, commands).matchAll(/^(\d+)\t(\d+)$/gm)) inodes.set(Number(block), Number(inode));
  const paths = new Map<number, string[]>();
  const owners = [...new Set(inodes.values())];
  const questions: string[] = [];
  for (let first = 0; first < owners.length; first += AT_ONCE) questions.push(`ncheck ${owners.slice(first, first + AT_ONCE).join(' ')}`);
  for (const [, inode, path = ''] of tools.ask(image, questions).matchAll(/^(\d+)\t(.*)$/gm)) paths.set(Number(inode), [...(paths.get(Number(inode)) ?? []), `/${path.replace(/^\/+/, '')}`]);
  return { blockSize, blocks, inodes, paths, metadata, free };
}

function groups(text: string): Pick<BlockOracle, 'metadata' | 'free'> {
  const metadata = new Map<number, string>();
  const free = new Set<number>();
  const put = (words: RegExp, what: string): void => {
    for (const [, from, to = from] of text.matchAll(words)) for (const block of range(Number(from), Number(to) + 1)) metadata.set(block, what);
  };
  put(/Inode table at (\d+)-(\d+)/g, 'inode table');
  put(/Reserved GDT blocks at (\d+)-(\d+)/g, 'room for more group descriptors');
  put(/Group descriptors? at (\d+)-(\d+)/g, 'group descriptors');
  put(/Group descriptor at (\d+)$/gm, 'group descriptors');
  put(/(?:Primary|Backup) superblock at (\d+)/g, 'superblock');
  put(/Block bitmap at (\d+)/g, 'block bitmap');
  put(/Inode bitmap at (\d+)/g, 'inode bitmap');
  for (const [, list = ''] of text.matchAll(/^ {2}Free blocks: (.*)$/gm)) {
    for (const [, from, to = from] of list.matchAll(/(\d+)(?:-(\d+))?/g)) for (const block of range(Number(from), Number(to) + 1)) free.add(block);
  }
  return { metadata, free };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
