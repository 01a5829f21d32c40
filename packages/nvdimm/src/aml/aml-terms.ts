import { aml, integer, lengthEncoding, nameString, packaged, type Aml } from './aml-encoding.ts';
import { EXTENDED, OP } from './aml-opcodes.ts';

/** ACPI 6.5 §20.2.5.2, RegionSpace */
export const SYSTEM_MEMORY = 0;
export const SYSTEM_IO = 1;

/** What ObjectType says of a package. */
export const TYPE_PACKAGE = 4;

const DWORD_ACCESS = 3;
const NO_TARGET = aml(0);

export const local = (number: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7): Aml => aml(OP.local0 + number);
export const arg = (number: 0 | 1 | 2 | 3 | 4 | 5 | 6): Aml => aml(OP.arg0 + number);

export const scope = (path: string, ...terms: readonly Aml[]): Aml => packaged([OP.scope], nameString(path), ...terms);
export const device = (path: string, ...terms: readonly Aml[]): Aml => packaged([OP.extended, EXTENDED.device], nameString(path), ...terms);
export const name = (path: string, value: Aml): Aml => aml(OP.name, nameString(path), value);

/** A method that one thread at a time may run, so that it may make names. */
export function method(path: string, argumentCount: number, ...terms: readonly Aml[]): Aml {
  const SERIALIZED = 1 << 3;
  return packaged([OP.method], nameString(path), argumentCount | SERIALIZED, ...terms);
}

/** A stretch of address space. */
export function operationRegion(path: string, space: number, offset: Aml, length: number): Aml {
  return aml(OP.extended, EXTENDED.operationRegion, nameString(path), space, offset, integer(length));
}

/** Names for the bits of a region from its start on, moved in units of 32. */
export function field(region: string, units: readonly (readonly [name: string, bits: number])[]): Aml {
  const list = units.map(([unit, bits]) => aml(nameString(unit), lengthEncoding(bits)));
  return packaged([OP.extended, EXTENDED.field], nameString(region), DWORD_ACCESS, ...list);
}

export const createDwordField = (source: Aml, offset: Aml, path: string): Aml => aml(OP.createDwordField, source, offset, nameString(path));

export const store = (value: Aml, target: Aml): Aml => aml(OP.store, value, target);
export const add = (left: Aml, right: Aml, target: Aml = NO_TARGET): Aml => aml(OP.add, left, right, target);
export const subtract = (left: Aml, right: Aml, target: Aml = NO_TARGET): Aml => aml(OP.subtract, left, right, target);
export const concatenate = (left: Aml, right: Aml, target: Aml = NO_TARGET): Aml => aml(OP.concatenate, left, right, target);
/** Bytes of a buffer from `from` on. */
export const mid = (source: Aml, from: Aml, length: Aml): Aml => aml(OP.mid, source, from, length, NO_TARGET);
export const index = (source: Aml, at: Aml, target: Aml = NO_TARGET): Aml => aml(OP.index, source, at, target);
export const derefOf = (reference: Aml): Aml => aml(OP.derefOf, reference);
export const sizeOf = (object: Aml): Aml => aml(OP.sizeOf, object);
export const objectType = (object: Aml): Aml => aml(OP.objectType, object);

export const equal = (left: Aml, right: Aml): Aml => aml(OP.lEqual, left, right);
export const less = (left: Aml, right: Aml): Aml => aml(OP.lLess, left, right);
export const not = (value: Aml): Aml => aml(OP.lNot, value);
export const or = (left: Aml, right: Aml): Aml => aml(OP.lOr, left, right);

export const when = (condition: Aml, ...terms: readonly Aml[]): Aml => packaged([OP.if], condition, ...terms);
export const otherwise = (...terms: readonly Aml[]): Aml => packaged([OP.else], ...terms);
export const loop = (condition: Aml, ...terms: readonly Aml[]): Aml => packaged([OP.while], condition, ...terms);
export const giveBack = (value: Aml): Aml => aml(OP.return, value);
export const notify = (object: Aml, value: number): Aml => aml(OP.notify, object, integer(value));
export const call = (path: string, ...values: readonly Aml[]): Aml => aml(nameString(path), ...values);
