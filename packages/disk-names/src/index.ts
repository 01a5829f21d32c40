export type { ByteName, ByteRange, ReadableImage } from './byte-name.ts';
export { nameBytes } from './name-bytes.ts';
