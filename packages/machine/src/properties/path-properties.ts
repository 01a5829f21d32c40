import { virtioPmemPciProperties } from './device-properties.ts';
import { objectProperties } from './object-properties.ts';

const schemas = [...Object.values(objectProperties), virtioPmemPciProperties];

/** Names of the properties of objects and devices whose text is a path, and means something else in another folder where it is relative. */
export const PATH_PROPERTIES: ReadonlySet<string> = new Set(schemas.flatMap((schema) => Object.entries(schema).flatMap(([name, each]) => ('isPath' in each ? [name] : []))));
