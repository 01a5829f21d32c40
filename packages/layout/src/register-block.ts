import type { Field } from './field.ts';
import type { Members, Struct, ValuesOf } from './struct.ts';

/** Bytes of one access. */
export type AccessWidth = 1 | 2 | 4;

/**
 * What a class behind a register block has to offer: one property per register of the layout. A getter without a setter
 * makes the register read-only; side effects belong in getters and setters.
 */
export type Registers<S extends Struct> = S extends Struct<infer M> ? ValuesOf<M> : never;

interface Register {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly writable: boolean;
}

/**
 * Turns accesses by offset and width into property reads and writes. The one place that knows offsets, widths and the
 * two halves of 64-bit registers.
 *
 * Reads of any width and alignment inside the block return the bytes that lie there. Writes must have the register's own
 * width (32 bits for each half of a 64-bit register) and its offset, as VIRTIO 1.4 §4.1.3.1 asks of drivers; others are refused.
 */
export class RegisterBlock<M extends Members> {
  /** Bytes. */
  readonly size: number;
  readonly #registers: Record<string, number | bigint>;
  readonly #byOffset: (Register | undefined)[];

  constructor(layout: Struct<M>, registers: ValuesOf<M>) {
    this.size = layout.size;
    this.#registers = registers;
    this.#byOffset = new Array<Register | undefined>(layout.size);
    for (const [name, field] of Object.entries<Field<unknown>>(layout.fields)) {
      if (![1, 2, 4, 8].includes(field.size)) {
        throw new TypeError(`${layout.name}.${name}: a register has 1, 2, 4 or 8 bytes, not ${field.size}`);
      }
      const register = { name, offset: field.offset, size: field.size, writable: isWritable(registers, name) };
      this.#byOffset.fill(register, field.offset, field.offset + field.size);
    }
  }

  /** The value at `offset`; bytes outside the block read as 0. */
  read(offset: number, width: AccessWidth): number {
    const register = this.#byOffset[offset];
    if (register?.offset === offset && register.size === width) return Number(this.#registers[register.name]);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#readByte(offset + i);
    return value;
  }

  /** Whether the write found a register of that offset and width; a read-only one takes the write and ignores it. */
  write(offset: number, width: AccessWidth, value: number): boolean {
    const register = this.#byOffset[offset];
    if (register === undefined) return false;
    const within = offset - register.offset;
    if (register.size === 8 ? width !== 4 || within % 4 !== 0 : width !== register.size || within !== 0) return false;
    if (!register.writable) return true;
    if (register.size === 8) {
      const shift = BigInt(within * 8);
      const old = BigInt(this.#registers[register.name] ?? 0);
      this.#registers[register.name] = (old & ~(0xffff_ffffn << shift)) | (BigInt(value >>> 0) << shift);
    } else {
      this.#registers[register.name] = value;
    }
    return true;
  }

  #readByte(offset: number): number {
    const register = this.#byOffset[offset];
    if (register === undefined) return 0;
    return Number((BigInt(this.#registers[register.name] ?? 0) >> BigInt((offset - register.offset) * 8)) & 0xffn);
  }
}

/** A plain data property is writable; an accessor is if it has a setter. */
function isWritable(target: object, name: string): boolean {
  for (let object: object | null = target; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    if (descriptor !== undefined) return descriptor.writable === true || descriptor.set !== undefined;
  }
  throw new TypeError(`register '${name}' has no property behind it`);
}
