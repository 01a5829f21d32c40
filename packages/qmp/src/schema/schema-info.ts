import { z } from 'zod';
import { any, bool, enumeration, str, struct, typeInfo } from './qapi-type.ts';

const JsonType = enumeration('JSONType', 'What JSON has.', ['string', 'number', 'int', 'boolean', 'null', 'object', 'array', 'value']);
const features = z.array(str).exactOptional();
const common = { name: str.describe('of a command, an event or a type; those of types mean nothing but which'), features };

const EnumMember = struct('SchemaInfoEnumMember', 'A value.', { name: str, features });
const ObjectMember = struct('SchemaInfoObjectMember', 'A member of an object.', {
  name: str,
  type: str,
  default: any.exactOptional().describe('present, and null, if the member may be absent'),
  features,
});
const Variant = struct('SchemaInfoObjectVariant', 'More members where the tag has this value.', { case: str, type: str });
const AlternateMember = struct('SchemaInfoAlternateMember', 'One of several types.', { type: str });

export const SchemaInfo = z.discriminatedUnion('meta-type', [
  z.strictObject({ ...common, 'meta-type': z.literal('builtin'), 'json-type': JsonType }),
  z.strictObject({ ...common, 'meta-type': z.literal('enum'), members: z.array(EnumMember), values: z.array(str) }),
  z.strictObject({ ...common, 'meta-type': z.literal('array'), 'element-type': str }),
  z.strictObject({
    ...common,
    'meta-type': z.literal('object'),
    members: z.array(ObjectMember),
    tag: str.exactOptional().describe('the member that decides which variant it is'),
    variants: z.array(Variant).exactOptional(),
  }),
  z.strictObject({ ...common, 'meta-type': z.literal('alternate'), members: z.array(AlternateMember) }),
  z.strictObject({ ...common, 'meta-type': z.literal('command'), 'arg-type': str, 'ret-type': str, 'allow-oob': bool.exactOptional() }),
  z.strictObject({ ...common, 'meta-type': z.literal('event'), 'arg-type': str }),
]).register(typeInfo, { name: 'SchemaInfo', doc: 'A command, an event or a type.' });

/** One command, event or type as `query-qmp-schema` tells of it. */
export type SchemaEntry = z.infer<typeof SchemaInfo>;
