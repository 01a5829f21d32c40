export type { ByteName, ByteRange, ReadableImage } from './byte-name.ts';
