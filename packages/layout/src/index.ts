export { be16, be32, be64, bytes, le16, le32, le64, le64big, u8, type Field, type FieldType } from './field.ts';
export type { MemoryView } from './memory-view.ts';
export { RegisterBlock, type AccessWidth, type Registers } from './register-block.ts';
export { savedBytes, savedHex, SavedObject } from './saved-object.ts';
export { struct, type Members, type Struct, type ValueOf, type ValuesOf } from './struct.ts';
