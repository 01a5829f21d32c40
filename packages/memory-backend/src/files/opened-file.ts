/** What an open file is to those who keep memory in it: `huge` if it lives in huge pages. */
export type FileKind = 'file' | 'huge' | 'device';

/** An open backing file, and what opening it did to the world. */
export interface OpenedFile {
  readonly fd: number;
  readonly kind: FileKind;
  /** What keeps others from the file, for as long as these are open. */
  readonly locks: readonly number[];
  readonly was: 'there' | 'empty' | 'missing' | 'unnamed';
}
