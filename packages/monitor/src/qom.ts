import { findObjects, type FoundObject, type ManagedMachine } from '@vpmem/machine';
import { QmpError } from '@vpmem/qmp';

/** A property as `qom-list` tells of it. */
export interface ListedProperty {
  readonly name: string;
  readonly type: string;
}

/** Properties of an object, and after them the objects below. @throws QmpError, ForeignError */
export async function listProperties(machine: ManagedMachine, path: string): Promise<readonly ListedProperty[]> {
  const [found, another] = findObjects(await machine.tree(), path);
  if (found === undefined || another !== undefined) {
    // QEMU's words, for which its qom-get has others.
    if (another !== undefined && machine.foreign === undefined) throw new QmpError('GenericError', `Path '${path}' is ambiguous`);
    return (await elsewhere(machine, 'qom-list', { path })) as ListedProperty[];
  }
  const { properties, children } = found.node;
  return [
    ...Object.entries(properties).map(([name, { type }]) => ({ name, type })),
    ...Object.entries(children).map(([name, { type }]) => ({ name, type: `child<${type}>` })),
  ];
}

/** The value of a property; of an object below, its path. @throws QmpError, ForeignError */
export async function getProperty(machine: ManagedMachine, path: string, name: string): Promise<unknown> {
  const [found, another] = findObjects(await machine.tree(), path);
  return found === undefined || another !== undefined ? elsewhere(machine, 'qom-get', { path, property: name }) : valueOf(found, name);
}

function valueOf({ node, path }: FoundObject, name: string): unknown {
  if (Object.hasOwn(node.children, name)) return `${path === '/' ? '' : path}/${name}`;
  const property = Object.hasOwn(node.properties, name) ? node.properties[name] : undefined;
  if (property === undefined) throw new QmpError('GenericError', `Property '${node.type}.${name}' not found`);
  if (property.value === undefined) throw new QmpError('GenericError', `Property '${node.type}.${name}' is not readable`);
  return property.value;
}

/** An object that is not in our tree may be in the VM's own. */
async function elsewhere({ foreign }: ManagedMachine, command: string, args: Readonly<Record<string, string>>): Promise<unknown> {
  if (foreign !== undefined) return foreign.execute(command, args);
  // QEMU's word for a path that leads nowhere.
  throw new QmpError('DeviceNotFound', `Device '${args.path ?? ''}' not found`);
}
