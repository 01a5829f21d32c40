import type { StateUnit } from '@vpmem/recording';

/** Which disk is meant by a unit. */
export const DISK_MODEL: Readonly<Record<StateUnit, string>> = {
  page: 'A disk that writes 4096 bytes at once or not at all: each page is as it was when the last flush was answered, or as it was recorded at any moment since, each for itself.',
  sector: 'A disk that loses its power while a page is on its way: the same of each 512 bytes.',
  line: 'Memory behind a processor that loses what is in its cache: the same of each 64 bytes.',
  word: 'Persistent memory, which promises no more: the same of each 8 bytes.',
};
