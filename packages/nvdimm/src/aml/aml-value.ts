import { AmlError } from './aml-reader.ts';
import { concatBytes, dwordBytes, viewOf } from '../bytes.ts';

/** What a term can be worth. Integers have 32 bits, as in every table of revision 1. */
export type AmlValue = number | string | Uint8Array | AmlValue[] | AmlElement;

/** A reference to one element of a package. */
export class AmlElement {
  readonly package: AmlValue[];
  readonly index: number;
  constructor(list: AmlValue[], index: number) {
    this.package = list;
    this.index = index;
  }
  get value(): AmlValue {
    return this.package[this.index] ?? 0;
  }
  set value(value: AmlValue) {
    this.package[this.index] = value;
  }
}

/** ACPI 6.5 §19.3.5.7: a buffer's first four bytes as an integer. */
export function toInteger(value: AmlValue): number {
  if (typeof value === 'number') return value;
  if (value instanceof Uint8Array) return viewOf(concatBytes(value.subarray(0, 4), new Uint8Array(4))).getUint32(0, true);
  throw new AmlError(`${describe(value)} is no integer`);
}

export function toBytes(value: AmlValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'number') return dwordBytes(value);
  throw new AmlError(`${describe(value)} is no buffer`);
}

export function toPackage(value: AmlValue): AmlValue[] {
  if (Array.isArray(value)) return value;
  throw new AmlError(`${describe(value)} is no package`);
}

/** ACPI 6.5 §19.6.93, ObjectType, of the kinds there are here. */
export function typeOf(value: AmlValue): number {
  if (typeof value === 'number') return 1;
  if (typeof value === 'string') return 2;
  if (value instanceof Uint8Array) return 3;
  return Array.isArray(value) ? 4 : typeOf(value.value);
}

export function sizeOfValue(value: AmlValue): number {
  if (typeof value === 'number') throw new AmlError('an integer has no size');
  return value instanceof AmlElement ? sizeOfValue(value.value) : value.length;
}

/** Buffers byte by byte, all else as integers. */
export function sameValue(left: AmlValue, right: AmlValue): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return left.length === right.length && left.every((byte, i) => byte === right[i]);
  return toInteger(left) === toInteger(right);
}

/** What Store puts down: a copy, so that two names never share a buffer. `spend` hears before each piece how much it takes. */
export function copyOf(value: AmlValue, spend: (cost: number) => void): AmlValue {
  spend(value instanceof Uint8Array ? value.length : 1);
  if (value instanceof Uint8Array) return value.slice();
  return Array.isArray(value) ? value.map((each) => copyOf(each, spend)) : value;
}

function describe(value: AmlValue): string {
  if (value instanceof AmlElement) return 'a reference';
  if (value instanceof Uint8Array) return 'a buffer';
  return Array.isArray(value) ? 'a package' : `'${value}'`;
}
