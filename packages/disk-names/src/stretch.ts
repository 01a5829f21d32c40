import type { Struct } from '@vpmem/layout';

/** How much is known: nothing; that it is in no use; in use by somebody; what it is; what and whose. */
export const RANK = { unknown: 0, unused: 1, used: 2, structure: 3, owned: 4 } as const;
export type Rank = (typeof RANK)[keyof typeof RANK];

/** A part of a structure: a field, an entry. */
export interface Part {
  /** Bytes from the disk's start. */
  readonly end: number;
  readonly label: string;
}

/** The part that the byte at `offset` of the disk is in; undefined where there is none, or none worth a word. */
export type PartAt = (offset: number) => Part | undefined;

/** What the bytes from an address on are, as far as it is one thing. */
export interface Stretch {
  /** Bytes from the disk's start; more than the address that was asked about. */
  readonly end: number;
  readonly rank: Rank;
  readonly what: string;
  /** What it is called where none of its bytes differ: neighbours with the same get one name. */
  readonly group?: string;
  readonly path?: string;
  /** Bytes from the start of the file at the address that was asked about. */
  readonly fileOffset?: number;
  /** Number of the inode, for bytes that are content of a file. */
  readonly inode?: number;
  readonly partAt?: PartAt;
  /** One of many that are alike and numbered: neighbours get one name. */
  readonly run?: Run;
}

/** Such as `ext4 free block 7`, and `ext4 free blocks 7 to 9`. */
export interface Run {
  readonly noun: string;
  readonly number: number;
  /** What is said of them behind the number. */
  readonly remark?: string;
}

/** How a run from one number to another is called. */
export function runText({ noun, number, remark = '' }: Run, last = number): string {
  return number === last ? `${noun} ${number}${remark}` : `${noun}s ${number} to ${last}${remark}`;
}

/** The members of a structure at `base` as parts. */
export function fieldsAt(structure: Struct, base: number): PartAt {
  return (offset) => {
    const at = offset - base;
    if (at < 0 || at >= structure.size) return undefined;
    for (const [label, field] of Object.entries(structure.fields)) if (at < field.offset + field.size) return { end: base + field.offset + field.size, label };
    return undefined;
  };
}

/** The first part that anybody knows. */
export function firstPart(...all: readonly PartAt[]): PartAt {
  return (offset) => {
    for (const partAt of all) {
      const part = partAt(offset);
      if (part !== undefined) return part;
    }
    return undefined;
  };
}

/** Parts of `size` bytes each, from `base` to `end`. */
export function rowsAt(base: number, end: number, size: number, label: (index: number) => string | undefined): PartAt {
  return (offset) => {
    if (offset < base || offset >= end) return undefined;
    const index = Math.floor((offset - base) / size);
    const text = label(index);
    return text === undefined ? undefined : { end: Math.min(end, base + (index + 1) * size), label: text };
  };
}

/** What it is in one line: with the path, or with the inode where nobody knows the path. */
export function stretchText({ what, path, fileOffset, inode }: Stretch): string {
  if (fileOffset === undefined) return what;
  return `${path ?? `inode ${inode ?? 'unknown'}`} at ${fileOffset}: ${what}`;
}
