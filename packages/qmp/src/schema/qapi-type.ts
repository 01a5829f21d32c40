import type { OptionValue } from '@vpmem/options';
import { z } from 'zod';

/** What QAPI knows of a type beside its shape. */
export interface TypeInfo {
  /** Name in the reference page; `query-qmp-schema` numbers types instead, as QEMU does. */
  readonly name: string;
  readonly doc: string;
}

/** Names of the types that have one. */
export const typeInfo = z.registry<TypeInfo>();

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

function wide(min: bigint, max: bigint): z.ZodUnion<readonly [z.ZodInt, z.ZodBigInt]> {
  // A negative number that is unsigned is no integer to QEMU either, so there is one text for both.
  return z.union([z.int().min(min < 0n ? Number.MIN_SAFE_INTEGER : 0), z.bigint().min(min).max(max)]);
}

/** 64 bits with a sign: `number` where that is exact, else `bigint`. */
export const int64 = wide(INT64_MIN, INT64_MAX);
/** 64 bits without a sign, such as bytes or an address: `number` where that is exact, else `bigint`. */
export const uint64 = wide(0n, UINT64_MAX);
/** An integer that is known to be small. */
export const int = z.int();
export const str = z.string();
export const bool = z.boolean();
/** QAPI's `any`: JSON of whatever shape. */
export const any = z.custom<OptionValue>();

/** An object with these members and no others. */
export function struct<S extends z.ZodRawShape>(name: string, doc: string, shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape).register(typeInfo, { name, doc });
}

/** An object with these members, and others of whatever kind. */
export function openStruct<S extends z.ZodRawShape>(name: string, doc: string, shape: S): z.ZodObject<S, z.core.$catchall<typeof any>> {
  return z.object(shape).catchall(any).register(typeInfo, { name, doc });
}

export function enumeration<const V extends readonly [string, ...string[]]>(name: string, doc: string, values: V): z.ZodEnum<{ [K in V[number]]: K }> {
  return z.enum(values).register(typeInfo, { name, doc });
}

/** The object without members. */
export const nothing = struct('Empty', 'Nothing.', {});

/** QAPI's names of types that are not made of others. */
export type BuiltinName = 'str' | 'int' | 'bool' | 'any';

/** Whether a member may be absent. */
export function isOptional(type: z.core.$ZodType): boolean {
  return type instanceof z.ZodExactOptional;
}

/** The type without being optional, described, or named before it exists. */
export function plainType(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodExactOptional) return plainType(type.unwrap());
  if (type instanceof z.ZodLazy) return plainType(type.unwrap());
  return type._zod.parent === undefined ? type : plainType(type._zod.parent);
}

export function builtinName(type: z.core.$ZodType): BuiltinName | undefined {
  if (type instanceof z.ZodString) return 'str';
  if (type instanceof z.ZodBoolean) return 'bool';
  if (type instanceof z.ZodCustom) return 'any';
  return type instanceof z.ZodNumber || (type instanceof z.ZodUnion && !(type instanceof z.ZodDiscriminatedUnion)) ? 'int' : undefined;
}

/** Members of an object by name. */
export function shapeOf(type: z.ZodObject): Readonly<Record<string, z.core.$ZodType>> {
  return type.shape;
}
