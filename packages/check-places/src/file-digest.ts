import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';

/** What is read of a tree at most: one with more has no digest. */
const MOST_BYTES = 64 * 2 ** 20;
const MOST_ENTRIES = 10_000;
const CHUNK = 2 ** 20;
const SLASH = Buffer.from('/');
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOATIME } = constants;

/**
 * A digest of the files in a tree: names, types, modes, owners, counts of links, sizes, contents, and what links and devices point to. No times, no
 * extended attributes, nothing of the file system around them. Undefined if there is more than 64 MiB or 10,000 of them, if something of it cannot be
 * read, or once `signal` is aborted.
 */
export async function fileDigest(root: string, signal: AbortSignal): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    const tree = new Tree(hash, signal);
    await tree.add(Buffer.from(root), Buffer.alloc(0));
    return hash.digest('hex');
  } catch (error) {
    // Of a disk that was left so, much may not be readable: the checker says what that means.
    if (error instanceof NoDigest || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

class NoDigest extends Error {}

class Tree {
  readonly #hash: Hash;
  readonly #signal: AbortSignal;
  readonly #chunk = Buffer.allocUnsafe(CHUNK);
  #bytes = 0;
  #entries = 0;

  constructor(hash: Hash, signal: AbortSignal) {
    this.#hash = hash;
    this.#signal = signal;
  }

  /** Names are bytes: they need not be text. */
  async add(path: Buffer, name: Buffer): Promise<void> {
    if (++this.#entries > MOST_ENTRIES || this.#signal.aborted) throw new NoDigest();
    const stat = await lstat(path);
    const isFolder = stat.isDirectory();
    const names = isFolder ? (await readdir(path, { encoding: 'buffer' })).sort((a, b) => Buffer.compare(a, b)) : [];
    // How large a folder is says nothing of what is in it; how many names come, so that no two trees are the same text.
    const size = isFolder ? names.length : stat.size;
    this.#hash.update(`${name.length} `).update(name).update(` ${stat.mode} ${stat.uid} ${stat.gid} ${stat.nlink} ${stat.rdev} ${size}\n`);
    if (stat.isFile()) await this.#addContents(path, stat.size);
    else if (stat.isSymbolicLink()) this.#hash.update(await readlink(path, { encoding: 'buffer' }));
    for (const each of names) await this.add(Buffer.concat([path, SLASH, each]), each);
  }

  async #addContents(path: Buffer, size: number): Promise<void> {
    this.#bytes += size;
    if (this.#bytes > MOST_BYTES) throw new NoDigest();
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
    try {
      for (let at = 0; at < size; ) {
        if (this.#signal.aborted) throw new NoDigest();
        const { bytesRead } = await file.read(this.#chunk, 0, Math.min(CHUNK, size - at), at);
        if (bytesRead === 0) throw new NoDigest();
        this.#hash.update(this.#chunk.subarray(0, bytesRead));
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }
}
