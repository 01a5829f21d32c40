import type { MinimalPiece } from '@vpmem/explorer';

const WORD = 8;

/** Eight bytes of a disk, before a window and as its flush carries them. */
export interface ShownWord {
  /** Bytes from the disk's start. */
  readonly offset: number;
  /** Two hexadecimal digits each; as many on both sides. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Whether the byte at this place differs. */
  readonly differs: readonly boolean[];
}

/** Those words that differ, of what a report shows of a piece. */
export function differingWords(piece: MinimalPiece): ShownWord[] {
  return shownWords(piece).filter(({ differs }) => differs.includes(true));
}

/** All that a report shows of a piece, in words. */
export function shownWords({ shown, before, after }: MinimalPiece): ShownWord[] {
  const [left, right] = [bytesOf(before), bytesOf(after)];
  const words: ShownWord[] = [];
  for (let at = 0; at < Math.min(left.length, right.length); at += WORD) {
    const [old, now] = [left.slice(at, at + WORD), right.slice(at, at + WORD)];
    words.push({ offset: shown + at, before: old, after: now, differs: old.map((byte, i) => byte !== now[i]) });
  }
  return words;
}

function bytesOf(hexadecimal: string): string[] {
  return hexadecimal.match(/../g) ?? [];
}

/** `0x00001a40`. */
export function hexOffset(offset: number): string {
  return `0x${offset.toString(16).padStart(8, '0')}`;
}
