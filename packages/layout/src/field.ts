import type { MemoryView } from './memory-view.ts';

/** One member of a structure: where it lies and how it is read and written. `base` is the structure's offset in the view. */
export interface Field<T> {
  /** Bytes from the start of the structure. */
  readonly offset: number;
  /** Bytes the member occupies. */
  readonly size: number;
  get(view: MemoryView, base: number): T;
  set(view: MemoryView, base: number, value: T): void;
}

/** A type a member can have; `at` places it. */
export interface FieldType<T> {
  readonly size: number;
  at(offset: number): Field<T>;
}

const TWO_32 = 2 ** 32;

class U8Field implements Field<number> {
  readonly size = 1;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    return view.getUint8(base + this.offset);
  }
  set(view: MemoryView, base: number, value: number): void {
    view.setUint8(base + this.offset, value);
  }
}

class Le16Field implements Field<number> {
  readonly size = 2;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    return view.getUint16(base + this.offset, true);
  }
  set(view: MemoryView, base: number, value: number): void {
    view.setUint16(base + this.offset, value, true);
  }
}

class Le32Field implements Field<number> {
  readonly size = 4;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    return view.getUint32(base + this.offset, true);
  }
  set(view: MemoryView, base: number, value: number): void {
    view.setUint32(base + this.offset, value, true);
  }
}

class Le64Field implements Field<number> {
  readonly size = 8;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    const at = base + this.offset;
    return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
  }
  set(view: MemoryView, base: number, value: number): void {
    const at = base + this.offset;
    view.setUint32(at, value % TWO_32, true);
    view.setUint32(at + 4, Math.floor(value / TWO_32), true);
  }
}

class Le64BigField implements Field<bigint> {
  readonly size = 8;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): bigint {
    return view.getBigUint64(base + this.offset, true);
  }
  set(view: MemoryView, base: number, value: bigint): void {
    view.setBigUint64(base + this.offset, value, true);
  }
}

class Be16Field implements Field<number> {
  readonly size = 2;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    return view.getUint16(base + this.offset, false);
  }
  set(view: MemoryView, base: number, value: number): void {
    view.setUint16(base + this.offset, value, false);
  }
}

class Be32Field implements Field<number> {
  readonly size = 4;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    return view.getUint32(base + this.offset, false);
  }
  set(view: MemoryView, base: number, value: number): void {
    view.setUint32(base + this.offset, value, false);
  }
}

class Be64Field implements Field<number> {
  readonly size = 8;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
  get(view: MemoryView, base: number): number {
    const at = base + this.offset;
    return view.getUint32(at, false) * TWO_32 + view.getUint32(at + 4, false);
  }
  set(view: MemoryView, base: number, value: number): void {
    const at = base + this.offset;
    view.setUint32(at, Math.floor(value / TWO_32), false);
    view.setUint32(at + 4, value % TWO_32, false);
  }
}

class BytesField implements Field<Uint8Array> {
  readonly size: number;
  readonly offset: number;
  constructor(offset: number, size: number) {
    this.offset = offset;
    this.size = size;
  }
  get(view: MemoryView, base: number): Uint8Array {
    return Uint8Array.from({ length: this.size }, (_, i) => view.getUint8(base + this.offset + i));
  }
  set(view: MemoryView, base: number, value: Uint8Array): void {
    for (let i = 0; i < this.size; i++) view.setUint8(base + this.offset + i, value[i] ?? 0);
  }
}

/** One byte. */
export const u8: FieldType<number> = { size: 1, at: (offset) => new U8Field(offset) };
/** 16 bits, little-endian. */
export const le16: FieldType<number> = { size: 2, at: (offset) => new Le16Field(offset) };
/** 32 bits, little-endian. */
export const le32: FieldType<number> = { size: 4, at: (offset) => new Le32Field(offset) };
/**
 * 64 bits, little-endian, as a number. Exact below 2^53; above, the value read is rounded but stays at or above 2^53,
 * so a range check against real memory still refuses it. For addresses and lengths on hot paths.
 */
export const le64: FieldType<number> = { size: 8, at: (offset) => new Le64Field(offset) };
/** 64 bits, little-endian, exact. For feature bits and registers that must read back what was written. */
export const le64big: FieldType<bigint> = { size: 8, at: (offset) => new Le64BigField(offset) };
/** 16 bits, big-endian, as the structures of disks that other machines made first: XFS, JBD2, SQLite. */
export const be16: FieldType<number> = { size: 2, at: (offset) => new Be16Field(offset) };
/** 32 bits, big-endian. */
export const be32: FieldType<number> = { size: 4, at: (offset) => new Be32Field(offset) };
/** 64 bits, big-endian, as a number; above 2^53 as {@link le64}. */
export const be64: FieldType<number> = { size: 8, at: (offset) => new Be64Field(offset) };
/** `length` bytes as they lie; written values are cut or padded with zeroes to it. */
export function bytes(length: number): FieldType<Uint8Array> {
  return { size: length, at: (offset) => new BytesField(offset, length) };
}
