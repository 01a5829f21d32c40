import type { ByteName, ByteRange, ReadableImage } from '@vpmem/disk-names';
import type { Selection, StateBytes, WindowContents } from '@vpmem/recording';
import { PAGE_BYTES, PAGE_WORDS } from '../plan/page-words.ts';
import type { MinimalPiece } from '../report.ts';

/** Says what bytes of a disk are, by contents of that same disk, of which the first is the likeliest to be whole. */
export type NameBytes = (images: readonly ReadableImage[], ranges: readonly ByteRange[]) => readonly ByteName[];

const LINE_BYTES = 64;
const WORD_BYTES = 8;

/** Where two states of a window differ, in stretches of whole words: lines next to each other are one. `bytes` is how many differ. */
export function differingRanges(contents: WindowContents, a: Selection, b: Selection): { readonly ranges: readonly ByteRange[]; readonly bytes: number } {
  const ranges: { offset: number; length: number }[] = [];
  const difference = new Int32Array(PAGE_WORDS);
  const view = new Uint8Array(difference.buffer);
  let bytes = 0;
  for (const [place, page] of contents.pages.entries()) {
    difference.fill(0);
    contents.addDifference(place, a(place), b(place), difference);
    for (const byte of view) if (byte !== 0) bytes++;
    for (let i = 0; i < PAGE_WORDS; i += 2) {
      if (difference[i] === 0 && difference[i + 1] === 0) continue;
      const offset = page * PAGE_BYTES + 4 * i;
      const last = ranges.at(-1);
      if (last !== undefined && lineOf(offset) <= lineOf(last.offset + last.length - 1) + 1) last.length = offset + WORD_BYTES - last.offset;
      else ranges.push({ offset, length: WORD_BYTES });
    }
  }
  return { ranges, bytes };
}

/** What those bytes hold before the window and in all of it, and what they are. */
export function describePieces(ranges: readonly ByteRange[], none: StateBytes, all: StateBytes, nameBytes: NameBytes | undefined): readonly MinimalPiece[] {
  const names = named(ranges, [all, none], nameBytes);
  return ranges.map(({ offset, length }) => {
    const shown = lineOf(offset) * LINE_BYTES;
    return {
      offset, length, shown, before: hex(none.read(shown, LINE_BYTES)), after: hex(all.read(shown, LINE_BYTES)),
      names: names.filter((name) => name.offset < offset + length && offset < name.offset + name.length),
    };
  });
}

/** What cannot be named must not cost the report. */
function named(ranges: readonly ByteRange[], images: readonly ReadableImage[], nameBytes: NameBytes | undefined): readonly ByteName[] {
  try {
    return nameBytes?.(images, ranges) ?? [];
  } catch (error) {
    return ranges.map((range) => ({ ...range, name: `no name: ${error instanceof Error ? error.message : String(error)}` }));
  }
}

function lineOf(offset: number): number {
  return Math.floor(offset / LINE_BYTES);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
