import { viewOf } from '../bytes.ts';
import { checksumWithout } from './fletcher64.ts';
import type { LabelArea } from './label-area.ts';
import { INDEX_ALIGNMENT, INDEX_SIGNATURE, LABEL_SIZES, LabelIndexBlock, type LabelVersion } from './label-layout.ts';

/** Where everything is in a label area of some size, in bytes: two index blocks, then the labels. */
export interface LabelGeometry {
  readonly version: LabelVersion;
  readonly indexSize: number;
  readonly labelSize: number;
  /** How many labels there is room for. */
  readonly slots: number;
}

/** A valid index block, as plain data. */
export interface LabelIndex {
  readonly geometry: LabelGeometry;
  /** The first or the second of the area. */
  readonly which: 0 | 1;
  /** 1, 2 or 3; the block that is next in the circle is the newer. */
  readonly sequence: number;
  readonly used: readonly boolean[];
}

const SEQUENCE_MASK = 3;
const NEXT_SEQUENCE = [0, 2, 3, 1] as const;

/** The sequence number after a valid one; 0 says that a block is not to be used. */
export const nextSequence = (sequence: number): number => NEXT_SEQUENCE[sequence & SEQUENCE_MASK] ?? 0;

/** The geometry everybody derives from the area's size. Undefined if there is no room for two labels. */
export function labelGeometry(areaSize: number, version: LabelVersion): LabelGeometry | undefined {
  const labelSize = LABEL_SIZES[version];
  const blockSize = (slots: number): number => Math.ceil((LabelIndexBlock.size + Math.ceil(slots / 8)) / INDEX_ALIGNMENT) * INDEX_ALIGNMENT;
  const estimate = blockSize(Math.floor(areaSize / labelSize));
  const slots = Math.floor((areaSize - 2 * estimate) / labelSize);
  return slots < 2 ? undefined : { version, indexSize: blockSize(slots), labelSize, slots };
}

/** The block that counts: of two valid ones the newer, of one that one. Undefined if the area has no labels. */
export function currentIndex(area: LabelArea): LabelIndex | undefined {
  for (const version of ['1.2', '1.1'] as const) {
    const geometry = labelGeometry(area.size, version);
    if (geometry === undefined) continue;
    const [first, second] = [readIndex(area, geometry, 0), readIndex(area, geometry, 1)];
    if (first === undefined || second === undefined) {
      if (first !== undefined || second !== undefined) return first ?? second;
      continue;
    }
    return nextSequence(first.sequence) === second.sequence ? second : first;
  }
  return undefined;
}

/** One of the two blocks if it is valid. */
export function readIndex(area: LabelArea, geometry: LabelGeometry, which: 0 | 1): LabelIndex | undefined {
  const { indexSize, labelSize, slots } = geometry;
  const bytes = area.read(which * indexSize, indexSize);
  const block = LabelIndexBlock.decode(viewOf(bytes));
  const sequence = block.Seq & SEQUENCE_MASK;
  const valid =
    INDEX_SIGNATURE.every((byte, i) => block.Sig[i] === byte) &&
    sequence !== 0 &&
    `${block.Major}.${block.Minor}` === geometry.version &&
    (geometry.version === '1.1' || 128 << block.LabelSize === labelSize) &&
    block.MySize === indexSize &&
    block.MyOff === which * indexSize &&
    block.OtherOff === (1 - which) * indexSize &&
    block.LabelOff === 2 * indexSize &&
    block.NSlot <= slots &&
    checksumWithout(bytes, LabelIndexBlock.fields.Checksum) === block.Checksum;
  if (!valid) return undefined;
  const used = Array.from({ length: block.NSlot }, (_, slot) => !bit(bytes, slot));
  return { geometry: { ...geometry, slots: block.NSlot }, which, sequence, used };
}

/** Writes a block. */
export function writeIndex(area: LabelArea, { geometry, which, sequence, used }: LabelIndex): void {
  const { version, indexSize, labelSize, slots } = geometry;
  const [major, minor] = version.split('.').map(Number);
  const bytes = new Uint8Array(indexSize);
  const view = new DataView(bytes.buffer);
  LabelIndexBlock.write(view, 0, {
    Sig: INDEX_SIGNATURE,
    LabelSize: Math.log2(labelSize / 128),
    Seq: sequence,
    MyOff: which * indexSize,
    MySize: indexSize,
    OtherOff: (1 - which) * indexSize,
    LabelOff: 2 * indexSize,
    NSlot: slots,
    Major: major ?? 0,
    Minor: minor ?? 0,
  });
  used.forEach((taken, slot) => {
    if (!taken) bytes[bitmapByte(slot)] = (bytes[bitmapByte(slot)] ?? 0) | (1 << (slot % 8));
  });
  LabelIndexBlock.fields.Checksum.set(view, 0, checksumWithout(bytes, LabelIndexBlock.fields.Checksum));
  area.write(which * indexSize, bytes);
}

const bitmapByte = (slot: number): number => LabelIndexBlock.size + Math.floor(slot / 8);
const bit = (bytes: Uint8Array, slot: number): boolean => (((bytes[bitmapByte(slot)] ?? 0) >> (slot % 8)) & 1) === 1;
