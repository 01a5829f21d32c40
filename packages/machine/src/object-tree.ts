/** A property of an object as `qom-list` and `qom-get` show it. */
export interface ObjectProperty {
  /** QOM's name of the type: `int`, `bool`, `string`, `size`, `link<memory-backend>`, … */
  readonly type: string;
  /** JSON; a link is the QOM path it leads to, or an empty string. Undefined if it can only be written. */
  readonly value: unknown;
}

/** An object of the tree at one moment. */
export interface ObjectNode {
  /** QOM type, such as `memory-backend-file` or `container`. */
  readonly type: string;
  readonly properties: Readonly<Record<string, ObjectProperty>>;
  readonly children: Readonly<Record<string, ObjectNode>>;
}

/** A container: an object that only holds others. */
export function container(children: Readonly<Record<string, ObjectNode>>, type = 'container'): ObjectNode {
  return { type, properties: { type: { type: 'string', value: type } }, children };
}

/** The object at an absolute QOM path (`/objects/mem1`), or at a partial one that fits one object only; undefined if there is none. */
export function findObject(root: ObjectNode, path: string): ObjectNode | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  return path.startsWith('/') ? descend(root, parts) : anywhere(root, parts)[0];
}

function descend(node: ObjectNode | undefined, parts: readonly string[]): ObjectNode | undefined {
  const [first, ...rest] = parts;
  if (node === undefined || first === undefined) return node;
  return descend(Object.hasOwn(node.children, first) ? node.children[first] : undefined, rest);
}

function anywhere(node: ObjectNode, parts: readonly string[]): ObjectNode[] {
  const here = parts.length === 0 ? undefined : descend(node, parts);
  return [...(here === undefined ? [] : [here]), ...Object.values(node.children).flatMap((child) => anywhere(child, parts))];
}
