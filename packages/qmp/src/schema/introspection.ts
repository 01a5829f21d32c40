import { z } from 'zod';
import { qmpCommands, type CommandDeclaration } from './qmp-commands.ts';
import { qmpEvents, type EventDeclaration } from './qmp-events.ts';
import { builtinName, isOptional, nothing, plainType, shapeOf, type BuiltinName } from './qapi-type.ts';
import type { SchemaEntry } from './schema-info.ts';

/** An entry before it has its name. */
type Shape = SchemaEntry extends infer E ? (E extends SchemaEntry ? Omit<E, 'name'> : never) : never;
type ObjectShape = Extract<SchemaEntry, { 'meta-type': 'object' }>;
type Member = ObjectShape['members'][number];

const JSON_TYPES = { str: 'string', int: 'int', bool: 'boolean', any: 'value' } as const satisfies Readonly<Record<BuiltinName, string>>;

/**
 * The schema as `query-qmp-schema` tells of it. Types have numbers for names, as QEMU's have, so that nobody relies on a name.
 *
 * @param prefix goes before every number, where the types of another schema stand beside these
 */
export function introspect(prefix = ''): SchemaEntry[] {
  const types = new TypeEntries(prefix);
  const commands = Object.entries<CommandDeclaration>(qmpCommands).map(([name, declaration]): SchemaEntry => ({
    name,
    'meta-type': 'command',
    'arg-type': types.name(declaration.arguments),
    'ret-type': types.name(declaration.returns),
    ...(declaration.allowOob === true ? { 'allow-oob': true } : {}),
  }));
  const events = Object.entries<EventDeclaration>(qmpEvents).map(([name, { data }]): SchemaEntry => ({ name, 'meta-type': 'event', 'arg-type': types.name(data) }));
  return [...commands, ...events, ...types.entries.values()];
}

/** Our schema beside that of a monitor behind us; where both have a command or event, ours is the one that answers. */
export function mergeSchemas(own: readonly SchemaEntry[], foreign: readonly SchemaEntry[]): SchemaEntry[] {
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...foreign.filter(({ name }) => !names.has(name))];
}

/** Types met so far. */
class TypeEntries {
  readonly entries = new Map<string, SchemaEntry>();
  readonly #prefix: string;
  readonly #names = new Map<z.core.$ZodType, string>();
  /** Variants by their members: those with the same are one type. */
  readonly #variants = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
    // The empty object is the first one in QEMU too.
    this.name(nothing);
  }

  /** The name that a type has, or has from now on. */
  name(given: z.core.$ZodType): string {
    const type = plainType(given);
    const builtin = builtinName(type);
    if (builtin !== undefined) return this.#add(builtin, { 'meta-type': 'builtin', 'json-type': JSON_TYPES[builtin] });
    if (type instanceof z.ZodArray) {
      const element = this.name(type.element);
      return this.#add(`[${element}]`, { 'meta-type': 'array', 'element-type': element });
    }
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const name = `${this.#prefix}${this.#names.size}`;
    // Before its members, since one of them may contain it.
    this.#names.set(type, name);
    return this.#add(name, this.#shape(type));
  }

  #add(name: string, shape: Shape): string {
    if (!this.entries.has(name)) this.entries.set(name, { name, ...shape });
    return name;
  }

  #shape(type: z.core.$ZodType): Shape {
    if (type instanceof z.ZodEnum) {
      const values = type.options.map(String);
      return { 'meta-type': 'enum', members: values.map((name) => ({ name })), values };
    }
    if (type instanceof z.ZodObject) return { 'meta-type': 'object', members: this.#members(Object.entries(shapeOf(type))) };
    if (type instanceof z.ZodDiscriminatedUnion) return this.#union(type);
    throw new TypeError(`the schema has a type that QAPI has not: ${type._zod.def.type}`);
  }

  /** An object whose tag says which members it has beside the common ones. */
  #union(union: z.ZodDiscriminatedUnion): Shape {
    const tag = union.def.discriminator;
    const cases = union.options.filter((option) => option instanceof z.ZodObject).map(shapeOf);
    const isCommon = (name: string, type: z.core.$ZodType): boolean => name !== tag && cases.every((shape) => shape[name] === type);
    const variants = cases.map((shape) => ({
      case: tagValue(shape[tag]),
      type: this.#variant(Object.entries(shape).filter(([name, type]) => name !== tag && !isCommon(name, type))),
    }));
    const common = Object.entries(cases[0] ?? {}).filter(([name, type]) => isCommon(name, type));
    const tagType = z.enum(variants.map(({ case: value }) => value));
    return { 'meta-type': 'object', members: this.#members([...common, [tag, tagType]]), tag, variants };
  }

  #variant(shape: readonly (readonly [string, z.core.$ZodType])[]): string {
    if (shape.length === 0) return this.name(nothing);
    const members = this.#members(shape);
    const key = JSON.stringify(members);
    const known = this.#variants.get(key);
    if (known !== undefined) return known;
    const type = z.object({});
    const name = `${this.#prefix}${this.#names.size}`;
    this.#names.set(type, name);
    this.#variants.set(key, name);
    return this.#add(name, { 'meta-type': 'object', members });
  }

  #members(shape: readonly (readonly [string, z.core.$ZodType])[]): Member[] {
    return shape.map(([name, type]) => ({ name, type: this.name(type), ...(isOptional(type) ? { default: null } : {}) }));
  }
}

function tagValue(type: z.core.$ZodType | undefined): string {
  if (!(type instanceof z.ZodLiteral)) throw new TypeError('the tag of a union has to be a literal');
  return String(type.value);
}
