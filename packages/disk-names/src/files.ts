import type { ReadableImage } from './byte-name.ts';
import type { FileKind } from './disk-reader.ts';
import { findReader } from './file-system.ts';
import { ImageView } from './image-view.ts';

/** The longest file that is read. */
const MOST_BYTES = 2 ** 30;

/** A name in a file system. */
export interface ListedFile {
  readonly path: string;
  readonly kind: FileKind;
  /** Bytes, as the inode says. */
  readonly size: number;
}

/**
 * All names of an image of ext4 or XFS, folders before what is in them; undefined if no such file system is found. Journal and log are
 * not replayed, so it is not what a mount would show, and a damaged image has what can still be found: it is for naming, never for judging.
 */
export function listFiles(image: ReadableImage): ListedFile[] | undefined {
  const reader = findReader(new ImageView(image));
  if (reader === undefined) return undefined;
  const files: ListedFile[] = [];
  for (const { path, inode } of reader.tree.list()) {
    const kind = reader.kindOf(inode);
    if (kind !== undefined) files.push({ path, kind, size: reader.open(inode)?.size ?? 0 });
  }
  return files.length === 0 ? undefined : files;
}

/**
 * What a file holds, or the target of a symbolic link, which is not followed; undefined if it is not there, is something else, or claims
 * more than 1 GiB. As with {@link listFiles}, nothing is replayed.
 */
export function readFile(image: ReadableImage, path: string): Uint8Array | undefined {
  const reader = findReader(new ImageView(image));
  const inode = reader?.tree.find(path);
  if (reader === undefined || inode === undefined || reader.kindOf(inode) === 'folder') return undefined;
  const content = reader.open(inode);
  return content === undefined || content.size > MOST_BYTES ? undefined : content.read(0, content.size);
}
