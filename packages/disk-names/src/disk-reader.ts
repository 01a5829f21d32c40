import type { ReadableImage } from './byte-name.ts';
import type { FileTree } from './file-tree.ts';
import type { Stretch } from './stretch.ts';

/** What a file is. */
export type FileKind = 'file' | 'folder' | 'link' | 'other';

/** Knows a file system. It takes anything at all for one, says what it can, and comes to an end. */
export interface DiskReader {
  /** What the bytes from `offset` on are; at least one byte long. */
  stretchAt(offset: number): Stretch;
  readonly tree: FileTree;
  kindOf(inode: number): FileKind | undefined;
  /** The content of a file, or the target of a link; undefined if there is no such inode, or it has no content. Not beyond what the image could hold. */
  open(inode: number): ReadableImage | undefined;
}
