import type { FileTree } from '../file-tree.ts';
import type { IntervalMap } from '../interval-map.ts';
import type { Ext4Inode } from './inode.ts';
import type { Journal } from './journal.ts';
import type { Metadata } from './metadata-map.ts';
import type { Owners } from './owners.ts';
import type { Ext4Volume } from './volume.ts';

/** What is known of an ext4, each found out when it is first asked for. */
export interface Ext4Knowledge {
  readonly volume: Ext4Volume;
  readonly tree: FileTree;
  readonly metadata: IntervalMap<Metadata>;
  readonly owners: Owners;
  readonly journal: Journal;
  inode(number: number): Ext4Inode | undefined;
}
