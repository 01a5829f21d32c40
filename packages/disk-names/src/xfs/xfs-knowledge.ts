import type { FileTree } from '../file-tree.ts';
import type { IntervalMap } from '../interval-map.ts';
import type { GroupMap } from './group-map.ts';
import type { XfsInode } from './xfs-inode.ts';
import type { XfsLog } from './xfs-log.ts';
import type { XfsOwner } from './xfs-owners.ts';
import type { XfsVolume } from './xfs-volume.ts';

/** What is known of an XFS, each found out when it is first asked for. */
export interface XfsKnowledge {
  readonly volume: XfsVolume;
  readonly tree: FileTree;
  readonly groups: GroupMap;
  readonly owners: IntervalMap<XfsOwner>;
  readonly log: XfsLog;
  inode(number: number): XfsInode | undefined;
}
