import type { Allowance } from '../allowance.ts';
import type { ReadableImage } from '../byte-name.ts';
import { IntervalMap } from '../interval-map.ts';
import { attributeValue } from './attributes.ts';
import { inodeBlocks, type InodeBlocks } from './block-map.ts';
import { INODE_FLAG, type Ext4Inode } from './inode.ts';
import type { Ext4Volume } from './volume.ts';

/** The attribute with what of inline data i_block has no room for. Linux, Documentation/filesystems/ext4/inlinedata.rst */
const INLINE_REST = 'system.data';

/** The content of an inode. */
export class InodeContent implements ReadableImage {
  readonly size: number;
  readonly #volume: Ext4Volume;
  readonly #inline: Uint8Array | undefined;
  readonly #map = new IntervalMap<InodeBlocks>();

  /** Takes from `left` for each extent. */
  constructor(volume: Ext4Volume, inode: Ext4Inode, left: Allowance) {
    this.#volume = volume;
    this.size = inode.size;
    const own = new Uint8Array(inode.block.buffer, inode.block.byteOffset, inode.block.byteLength);
    if (inode.has(INODE_FLAG.inlineData)) this.#inline = join(own, attributeValue(volume, inode, INLINE_REST) ?? new Uint8Array(0));
    else if (!inode.hasBlocks) this.#inline = own;
    else for (const blocks of inodeBlocks(volume, inode, left)) if (blocks.kind === 'data') this.#map.add(blocks.logical, blocks.count, blocks);
  }

  /** Where a block of the file is on the disk; undefined for a hole. */
  block(logical: number): number | undefined {
    const found = this.#map.find(logical);
    return found === undefined ? undefined : found.value.start + logical - found.start;
  }

  /** Numbers of the file's blocks that are not holes, in order. Takes from `left` for each. */
  *blocks(left: Allowance): Generator<number> {
    const end = Math.ceil(this.size / this.#volume.blockSize);
    for (const { start, count } of this.#map) for (let logical = start; logical < Math.min(end, start + count) && left.take(); logical++) yield logical;
  }

  read(offset: number, length: number): Uint8Array {
    const result = new Uint8Array(length);
    if (this.#inline !== undefined) {
      result.set(this.#inline.subarray(Math.min(offset, this.size), Math.min(offset + length, this.size)));
      return result;
    }
    const { blockSize, view } = this.#volume;
    const end = Math.min(offset + length, this.size);
    for (let at = offset; at < end; ) {
      const logical = Math.floor(at / blockSize);
      const stop = Math.min(end, (logical + 1) * blockSize);
      const found = this.#map.find(logical);
      if (found !== undefined && !found.value.unwritten) result.set(view.bytes((found.value.start + logical - found.start) * blockSize + at - logical * blockSize, stop - at), at - offset);
      at = stop;
    }
    return result;
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
