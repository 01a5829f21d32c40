import type { PciFunction } from '@vpmem/pci';

/** A function that another process can go on with. */
export type HandedFunction = PciFunction & {
  hold?(done: () => void): void;
  save?(): unknown;
  restore?(state: unknown): void;
  proceed?(): void;
};
