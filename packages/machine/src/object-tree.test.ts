import { expect, it } from 'vitest';
import { container, findObject, findObjects } from './object-tree.ts';

const device = container({ 'virtio-backend': container({}) });
const tree = container({ objects: container({ mem1: container({}) }), machine: container({ peripheral: container({ a: device, b: device }) }) });
const paths = (path: string): string[] => findObjects(tree, path).map((found) => found.path);

it.each([
  ['/', ['/']],
  ['//objects///mem1/', ['/objects/mem1']],
  ['mem1', ['/objects/mem1']],
  ['objects/', ['/objects']],
  ['a/virtio-backend', ['/machine/peripheral/a/virtio-backend']],
  ['virtio-backend', ['/machine/peripheral/a/virtio-backend', '/machine/peripheral/b/virtio-backend']],
  ['/mem1', []],
  ['/objects/..', []],
  ['/__proto__', []],
  ['constructor', []],
])('%s may mean %j', (path, found) => {
  expect(paths(path)).toEqual(found);
});

it('nothing in particular means every object, and a path that fits several is none', () => {
  expect(paths('')).toHaveLength(9);
  expect(findObject(tree, 'virtio-backend')).toBeUndefined();
  expect(findObject(tree, 'mem1')).toBeDefined();
});

it('a path of more steps than any tree has is not taken apart', () => {
  const wide = container(Object.fromEntries(Array.from({ length: 512 }, (_, index) => [String(index), container({})])));
  for (const path of ['a/'.repeat(2 ** 23), `/${'a/'.repeat(2 ** 23)}`]) expect(findObjects(wide, path)).toEqual([]);
  expect(findObjects(wide, '/'.repeat(2 ** 24))).toHaveLength(1);
});
