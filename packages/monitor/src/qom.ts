import { findObject, type ManagedMachine, type ObjectNode } from '@vpmem/machine';
import { QmpError } from '@vpmem/qmp';

/** A property as `qom-list` tells of it. */
export interface ListedProperty {
  readonly name: string;
  readonly type: string;
}

/** An object of the tree. @throws QmpError DeviceNotFound, which is QEMU's word for a path that leads nowhere */
export async function objectAt(machine: ManagedMachine, path: string): Promise<ObjectNode> {
  const node = findObject(await machine.tree(), path);
  if (node === undefined) throw new QmpError('DeviceNotFound', `Device '${path}' not found`);
  return node;
}

/** Properties, and after them the objects below. */
export function listProperties({ properties, children }: ObjectNode): ListedProperty[] {
  return [
    ...Object.entries(properties).map(([name, { type }]) => ({ name, type })),
    ...Object.entries(children).map(([name, { type }]) => ({ name, type: `child<${type}>` })),
  ];
}

/** The value of a property of the object at `path`; of an object below, its path. @throws QmpError */
export function getProperty(node: ObjectNode, path: string, name: string): unknown {
  if (Object.hasOwn(node.children, name)) return `${path.replace(/\/$/, '')}/${name}`;
  const property = Object.hasOwn(node.properties, name) ? node.properties[name] : undefined;
  if (property === undefined) throw new QmpError('GenericError', `Property '${node.type}.${name}' not found`);
  if (property.value === undefined) throw new QmpError('GenericError', `Property '${node.type}.${name}' is not readable`);
  return property.value;
}
