import { Allowance } from './allowance.ts';

/** Entries of all folders that are followed. */
const MOST_ENTRIES = 200_000;
/** Folders within each other. */
const DEEPEST = 256;

/** An entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly inode: number;
}

/** What knows the folders of a file system. */
export interface FolderSource {
  readonly root: number;
  isFolder(inode: number): boolean;
  /** Without those of the folder itself and its parent. */
  entries(folder: number): Iterable<FolderEntry>;
}

/** Paths of inodes, by walking all folders from the root. An inode with several names has the first that is found, the shortest. */
export class FileTree {
  readonly #root: number;
  readonly #parents = new Map<number, { readonly folder: number; readonly name: string }>();
  /** Of all names, also those of inodes that have another. */
  readonly #children = new Map<number, Map<string, number>>();

  constructor(source: FolderSource, mostEntries = MOST_ENTRIES) {
    this.#root = source.root;
    const left = new Allowance(mostEntries);
    const waiting = [source.root];
    for (let next = 0; next < waiting.length && !left.isSpent; next++) {
      const folder = waiting[next] ?? source.root;
      const children = new Map<string, number>();
      this.#children.set(folder, children);
      for (const { name, inode } of source.entries(folder)) {
        if (!left.take()) break;
        if (name === '' || inode === source.root) continue;
        children.set(name, inode);
        if (this.#parents.has(inode)) continue;
        this.#parents.set(inode, { folder, name });
        if (source.isFolder(inode)) waiting.push(inode);
      }
    }
  }

  /** From the root, with `/` before each name; undefined if no folder has it. */
  path(inode: number): string | undefined {
    if (inode === this.#root) return '/';
    const names: string[] = [];
    for (let at = inode; at !== this.#root; ) {
      const parent = this.#parents.get(at);
      if (parent === undefined || names.length >= DEEPEST) return undefined;
      names.push(parent.name);
      at = parent.folder;
    }
    return `/${names.reverse().join('/')}`;
  }

  find(path: string): number | undefined {
    let inode: number | undefined = this.#root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      inode = inode === undefined ? undefined : this.#children.get(inode)?.get(name);
    }
    return inode;
  }

  /** All names there are, folders before what is in them. */
  *list(): Generator<{ readonly path: string; readonly inode: number }> {
    yield { path: '/', inode: this.#root };
    for (const [folder, children] of this.#children) {
      const path = this.path(folder);
      if (path === undefined) continue;
      for (const [name, inode] of children) yield { path: path === '/' ? `/${name}` : `${path}/${name}`, inode };
    }
  }
}

const decoder = new TextDecoder();

/** A name as it can be shown in a line: what is not printable, or not UTF-8, is changed. */
export function nameText(bytes: Uint8Array): string {
  return decoder.decode(bytes).replace(/[\u0000-\u001f\u007f/]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
