import type { ByteName, ByteRange, ReadableImage } from '@vpmem/disk-names';

/** Says what bytes of a disk are, by contents of that same disk, of which the first is the likeliest to be whole. */
export type NameBytes = (images: readonly ReadableImage[], ranges: readonly ByteRange[]) => readonly ByteName[];
