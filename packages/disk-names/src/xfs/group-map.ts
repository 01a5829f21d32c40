import { Allowance } from '../allowance.ts';
import { IntervalMap } from '../interval-map.ts';
import { Agf, AgflHeader, Agi } from './xfs-layout.ts';
import type { XfsVolume } from './xfs-volume.ts';

const MOST_STEPS = 500_000;
const DEEPEST = 16;
const CHUNK_INODES = 64;
/** A bit of a hole mask stands for so many inodes. */
const HOLE_INODES = 4;

/** What the structures of the groups say of blocks. */
export type GroupBlock =
  | { readonly kind: 'tree'; readonly tree: string; readonly level: number }
  | { readonly kind: 'free' | 'free list' | 'inodes' };

/** How a B+tree of a group is made. Bytes. */
interface TreeKind {
  readonly name: string;
  readonly record: number;
  readonly key: number;
}

const TREES = {
  bno: { name: 'free space B+tree by block', record: 8, key: 8 },
  cnt: { name: 'free space B+tree by size', record: 8, key: 8 },
  rmap: { name: 'reverse mapping B+tree', record: 24, key: 40 },
  refcount: { name: 'reference count B+tree', record: 12, key: 4 },
  ino: { name: 'inode B+tree', record: 16, key: 4 },
  fino: { name: 'free inode B+tree', record: 16, key: 4 },
} as const satisfies Record<string, TreeKind>;

/** Blocks of the trees of all groups, free blocks, and those with inodes. */
export class GroupMap {
  readonly map = new IntervalMap<GroupBlock>();
  readonly #volume: XfsVolume;
  readonly #left = new Allowance(MOST_STEPS);
  readonly #seen = new Set<number>();

  constructor(volume: XfsVolume) {
    this.#volume = volume;
    for (let group = 0; group < volume.groups && !this.#left.isSpent; group++) this.#addGroup(group);
  }

  /** Blocks with inodes. */
  *inodeBlocks(): Generator<number> {
    for (const { start, count, value } of this.map) if (value.kind === 'inodes') for (let i = 0; i < count; i++) yield start + i;
  }

  #addGroup(group: number): void {
    const { view, sectorSize, blockSize, groupBlocks, isV5, inodesPerBlock } = this.#volume;
    const first = group * groupBlocks;
    const agf = Agf.decode(view.view(first * blockSize + sectorSize, Agf.size));
    const agi = Agi.decode(view.view(first * blockSize + 2 * sectorSize, Agi.size));
    this.#walk(first, TREES.bno, agf.agf_bno_root, (at) => this.#add(first, view.view(at, 8).getUint32(0), view.view(at, 8).getUint32(4), { kind: 'free' }));
    this.#walk(first, TREES.cnt, agf.agf_cnt_root);
    this.#walk(first, TREES.ino, agi.agi_root, (at) => {
      const record = view.view(at, TREES.ino.record);
      const [inode, holes] = [record.getUint32(0), isV5 ? record.getUint16(4) : 0];
      for (let i = 0; i < CHUNK_INODES; i += inodesPerBlock) {
        if (isV5 && inodesPerBlock >= HOLE_INODES && (holes & (1 << Math.floor(i / HOLE_INODES))) !== 0) continue;
        this.#add(first, Math.floor((inode + i) / inodesPerBlock), 1, { kind: 'inodes' });
      }
    });
    this.#addFreeList(first, agf.agf_flfirst, agf.agf_flcount);
    if (!isV5) return;
    this.#walk(first, TREES.rmap, agf.agf_rmap_root);
    this.#walk(first, TREES.refcount, agf.agf_refcount_root);
    this.#walk(first, TREES.fino, agi.agi_free_root);
  }

  #add(first: number, block: number, count: number, value: GroupBlock): void {
    if (block < this.#volume.groupBlocks) this.map.add(first + block, Math.min(count, this.#volume.groupBlocks - block), value);
  }

  #addFreeList(first: number, start: number, count: number): void {
    const { view, sectorSize, blockSize, isV5 } = this.#volume;
    const base = first * blockSize + 3 * sectorSize;
    const header = isV5 ? AgflHeader.size : 0;
    const room = Math.floor((sectorSize - header) / 4);
    for (let i = 0; i < Math.min(count, room); i++) {
      const block = view.view(base + header + ((start + i) % room) * 4, 4).getUint32(0);
      if (block > 0) this.#add(first, block, 1, { kind: 'free list' });
    }
  }

  /** Calls `each` with the address of every record. */
  #walk(first: number, kind: TreeKind, root: number, each?: (record: number) => void, depth = 0): void {
    const { view, blockSize, groupBlocks, shortTree } = this.#volume;
    const block = first + root;
    if (root <= 0 || root >= groupBlocks || depth > DEEPEST || this.#seen.has(block) || !this.#left.take()) return;
    this.#seen.add(block);
    const at = block * blockSize;
    const head = view.view(at, shortTree.size);
    const [level, count] = [shortTree.fields.bb_level.get(head, 0), shortTree.fields.bb_numrecs.get(head, 0)];
    this.map.add(block, 1, { kind: 'tree', tree: kind.name, level });
    const room = blockSize - shortTree.size;
    if (level === 0) {
      for (let i = 0; i < Math.min(count, Math.floor(room / kind.record)) && this.#left.take(); i++) each?.(at + shortTree.size + i * kind.record);
      return;
    }
    const most = Math.floor(room / (kind.key + 4));
    for (let i = 0; i < Math.min(count, most); i++) this.#walk(first, kind, view.view(at + shortTree.size + most * kind.key + i * 4, 4).getUint32(0), each, depth + 1);
  }
}
