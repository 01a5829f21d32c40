import type { Allowance } from '../allowance.ts';
import type { ReadableImage } from '../byte-name.ts';
import { IntervalMap } from '../interval-map.ts';
import { forkBlocks, type ForkBlocks, type XfsInode } from './xfs-inode.ts';
import { FORMAT } from './xfs-layout.ts';
import type { XfsVolume } from './xfs-volume.ts';

/** Before what a block of a link's target holds, in version 5. */
const LINK_HEADER = 56;

/** The content of an inode. */
export class XfsContent implements ReadableImage {
  readonly size: number;
  readonly #volume: XfsVolume;
  readonly #inline: Uint8Array | undefined;
  readonly #header: number;
  readonly #map = new IntervalMap<ForkBlocks>();

  /** Takes from `left` for each extent. */
  constructor(volume: XfsVolume, inode: XfsInode, left: Allowance) {
    this.#volume = volume;
    this.size = inode.size;
    this.#header = inode.kind === 'link' && volume.isV5 ? LINK_HEADER : 0;
    if (inode.data.format === FORMAT.local) this.#inline = volume.view.bytes(inode.data.address, inode.data.length);
    else for (const blocks of forkBlocks(volume, inode.data, left)) if (blocks.kind === 'data') this.#map.add(blocks.logical, blocks.count, blocks);
  }

  /** First blocks in the file of its extents, and how many each has, in order. */
  *extents(): Generator<{ readonly logical: number; readonly count: number }> {
    for (const { start, count } of this.#map) yield { logical: start, count };
  }

  read(offset: number, length: number): Uint8Array {
    return this.readRaw(offset, Math.max(0, Math.min(length, this.size - offset)), length);
  }

  /** The same whatever the size says: of folders it tells nothing of where their hashes are. */
  readRaw(offset: number, wanted: number, length = wanted): Uint8Array {
    const result = new Uint8Array(length);
    const { blockSize, view } = this.#volume;
    if (this.#inline !== undefined) result.set(this.#inline.subarray(offset, offset + wanted));
    const perBlock = blockSize - this.#header;
    for (let at = offset; this.#inline === undefined && at < offset + wanted; ) {
      const logical = Math.floor(at / perBlock);
      const stop = Math.min(offset + wanted, (logical + 1) * perBlock);
      const found = this.#map.find(logical);
      if (found !== undefined && !found.value.unwritten) result.set(view.bytes((found.value.start + logical - found.start) * blockSize + this.#header + at - logical * perBlock, stop - at), at - offset);
      at = stop;
    }
    return result;
  }
}
