import { OP } from './aml-opcodes.ts';
import { asciiBytes } from '../bytes.ts';

/** A piece of AML byte code. */
export type Aml = Uint8Array<ArrayBuffer>;

/** One after the other; numbers are single bytes. */
export function aml(...parts: readonly (number | Uint8Array)[]): Aml {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
}

/**
 * ACPI 6.5 §20.2.4, the encoding of PkgLength: one byte up to 63, else the low four bits in the first byte and the others
 * in one to three more. A field's number of bits is written like that too.
 */
export function lengthEncoding(value: number): Aml {
  if (value < 2 ** 6) return aml(value);
  const more = [1, 2, 3].find((count) => value < 2 ** (4 + 8 * count));
  if (more === undefined) throw new RangeError(`${value} is too long for a PkgLength; ${2 ** 28 - 1} is the most`);
  return aml((more << 6) | (value & 0xf), ...Array.from({ length: more }, (_, i) => Math.floor(value / 2 ** (4 + 8 * i)) & 0xff));
}

/** ACPI 6.5 §20.2.4, PkgLength of a package of `rest` bytes; it counts itself too. */
export function packageLength(rest: number): Aml {
  let size = 1;
  while (lengthEncoding(rest + size).length > size) size++;
  return lengthEncoding(rest + size);
}

/** An opcode, its PkgLength and what that counts. */
export function packaged(opcode: readonly number[], ...parts: readonly (number | Uint8Array)[]): Aml {
  const rest = aml(...parts);
  return aml(...opcode, packageLength(rest.length), rest);
}

export const DUAL_NAME = 0x2e;
export const MULTI_NAME = 0x2f;
export const NULL_NAME = 0x00;
const SEGMENT = /^[A-Z_][A-Z0-9_]{0,3}$/;

/** ACPI 6.5 §20.2.2, NameString of a path such as `\_SB.NVDR`: root and parents as they are written, segments of four characters. */
export function nameString(path: string): Aml {
  const [, prefix = '', rest = ''] = /^(\\|\^*)(.*)$/.exec(path) ?? [];
  const segments = rest === '' ? [] : rest.split('.');
  const wrong = segments.find((segment) => !SEGMENT.test(segment));
  if (wrong !== undefined) throw new TypeError(`'${wrong}' in '${path}' is no name; one has 1 to 4 of A-Z, 0-9 and _, and begins with no digit`);
  return aml(asciiBytes(prefix), ...segmentCount(segments.length), ...segments.map((segment) => asciiBytes(segment.padEnd(4, '_'))));
}

function segmentCount(count: number): number[] {
  if (count === 0) return [NULL_NAME];
  if (count === 1) return [];
  return count === 2 ? [DUAL_NAME] : [MULTI_NAME, count];
}

/** ACPI 6.5 §20.2.3: an integer of up to 32 bits in as few bytes as it takes. */
export function integer(value: number): Aml {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new RangeError(`${value} is no integer of 32 bits`);
  if (value < 2) return aml(value === 0 ? OP.zero : OP.one);
  if (value < 2 ** 8) return aml(OP.byte, value);
  return value < 2 ** 16 ? aml(OP.word, value & 0xff, value >>> 8) : dword(value);
}

/** ACPI 6.5 §20.2.3, DWordConst: four bytes even if fewer would do, for a value that is changed afterwards. */
export function dword(value: number): Aml {
  return aml(OP.dword, value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}

/** ACPI 6.5 §20.2.3, String: ASCII without NUL. */
export function string(text: string): Aml {
  return aml(OP.string, asciiBytes(text), 0);
}

/** ACPI 6.5 §20.2.5.4, DefBuffer, with all its bytes given. */
export function buffer(bytes: readonly number[] | Uint8Array): Aml {
  return packaged([OP.buffer], integer(bytes.length), ...bytes);
}

/** ACPI 6.5 §20.2.5.4, DefPackage */
export function packageOf(...elements: readonly Aml[]): Aml {
  return packaged([OP.package], elements.length, ...elements);
}
