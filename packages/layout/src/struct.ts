import type { Field, FieldType } from './field.ts';
import type { MemoryView } from './memory-view.ts';

/** Member names and types of a structure, in memory order. */
// The value type of one member is not known here, and FieldType is invariant in it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Members = Record<string, FieldType<any>>;

/** What a member type reads as. */
export type ValueOf<F> = F extends FieldType<infer T> ? T : never;

/** A structure's values by member name. */
export type ValuesOf<M extends Members> = { [K in keyof M]: ValueOf<M[K]> };

/** A structure as the specification declares it: packed, members in order. */
export interface Struct<M extends Members = Members> {
  /** The specification's name, for messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The declaration, to extend it: `struct('cap64', { ...cap.members, offset_hi: le32 })`. */
  readonly members: M;
  /** Each member placed at its offset. */
  readonly fields: { readonly [K in keyof M]: Field<ValueOf<M[K]>> };
  /** Reads all members. */
  decode(view: MemoryView, base?: number): ValuesOf<M>;
  /** Writes the given members; the others keep their bytes. */
  write(view: MemoryView, base: number, values: Partial<ValuesOf<M>>): void;
  /** A fresh buffer with the given members; the others are zero. */
  encode(values: Partial<ValuesOf<M>>): Uint8Array<ArrayBuffer>;
}

/** Declares a structure. Members follow each other without padding, as in every structure of VIRTIO, PCI and vfio-user. */
export function struct<M extends Members>(name: string, members: M): Struct<M> {
  let size = 0;
  const placed: Record<string, Field<unknown>> = {};
  for (const [member, type] of Object.entries(members)) {
    placed[member] = type.at(size);
    size += type.size;
  }
  const fields = placed as Struct<M>['fields'];
  const names = Object.keys(members) as (keyof M)[];

  const decode = (view: MemoryView, base = 0): ValuesOf<M> =>
    Object.fromEntries(names.map((member) => [member, fields[member].get(view, base)])) as ValuesOf<M>;

  const write = (view: MemoryView, base: number, values: Partial<ValuesOf<M>>): void => {
    for (const member of names) {
      const value = values[member];
      if (value !== undefined) fields[member].set(view, base, value);
    }
  };

  const encode = (values: Partial<ValuesOf<M>>): Uint8Array<ArrayBuffer> => {
    const buffer = new ArrayBuffer(size);
    write(new DataView(buffer), 0, values);
    return new Uint8Array(buffer);
  };

  return Object.freeze({ name, size, members, fields, decode, write, encode });
}
