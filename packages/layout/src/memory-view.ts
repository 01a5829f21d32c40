/**
 * The part of `DataView` that fields need. A `DataView` is one; so is memory that only the kernel may touch for us.
 * Offsets are in bytes, multi-byte values little-endian when `littleEndian` is true.
 */
export interface MemoryView {
  readonly byteLength: number;
  getUint8(offset: number): number;
  getUint16(offset: number, littleEndian: boolean): number;
  getUint32(offset: number, littleEndian: boolean): number;
  getBigUint64(offset: number, littleEndian: boolean): bigint;
  setUint8(offset: number, value: number): void;
  setUint16(offset: number, value: number, littleEndian: boolean): void;
  setUint32(offset: number, value: number, littleEndian: boolean): void;
  setBigUint64(offset: number, value: bigint, littleEndian: boolean): void;
}
