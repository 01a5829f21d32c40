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

/** An object, and the absolute QOM path that leads to it. */
export interface FoundObject {
  readonly path: string;
  readonly node: ObjectNode;
}

/** Steps that a path can have; no tree is nearly as deep. */
const MAX_STEPS = 64;

/** All objects that a QOM path may mean: one at most for an absolute path (`/objects/mem1`), any number for the end of one. */
export function findObjects(root: ObjectNode, path: string): readonly FoundObject[] {
  const steps: string[] = [];
  for (const [step] of path.matchAll(/[^/]+/g)) if (steps.push(step) > MAX_STEPS) return [];
  const found = descend({ path: '', node: root }, steps);
  if (path.startsWith('/')) return found === undefined ? [] : [{ ...found, path: found.path === '' ? '/' : found.path }];
  return anywhere({ path: '', node: root }, steps);
}

/** The object at an absolute QOM path, or at the end of one that fits one object only; undefined if there is none. */
export function findObject(root: ObjectNode, path: string): ObjectNode | undefined {
  const [found, another] = findObjects(root, path);
  return another === undefined ? found?.node : undefined;
}

function descend(from: FoundObject, steps: readonly string[]): FoundObject | undefined {
  let { path, node } = from;
  for (const step of steps) {
    const child = Object.hasOwn(node.children, step) ? node.children[step] : undefined;
    if (child === undefined) return undefined;
    [path, node] = [`${path}/${step}`, child];
  }
  return { path, node };
}

function anywhere(from: FoundObject, steps: readonly string[]): FoundObject[] {
  const here = descend(from, steps);
  return [
    ...(here === undefined ? [] : [here]),
    ...Object.entries(from.node.children).flatMap(([name, node]) => anywhere({ path: `${from.path}/${name}`, node }, steps)),
  ];
}
