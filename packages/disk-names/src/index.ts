export type { ByteName, ByteRange, ReadableImage } from './byte-name.ts';
export type { FileKind } from './disk-reader.ts';
export { listFiles, readFile, type ListedFile } from './files.ts';
export { nameBytes } from './name-bytes.ts';
