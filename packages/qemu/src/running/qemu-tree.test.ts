import { container, findObject } from '@vpmem/machine';
import { expect, it } from 'vitest';
import type { QemuMonitor } from './qemu-monitor.ts';
import { qemuTree } from './qemu-tree.ts';

const objects: Readonly<Record<string, readonly (readonly [name: string, type: string, value?: unknown])[]>> = {
  '/machine': [['type', 'string', 'pc-machine'], ['memory-backend', 'string', '/objects/ram'], ['peripheral', 'child<container>', '/machine/peripheral']],
  '/objects': [['type', 'string', 'container'], ['ram', 'child<memory-backend-memfd>', '/objects/ram']],
  '/objects/ram': [['size', 'size', 4096]],
  '/machine/peripheral': [['nv1', 'child<vfio-user-pci>', '/machine/peripheral/nv1'], ['rng', 'child<virtio-rng-pci>', '/machine/peripheral/rng']],
  '/machine/peripheral/nv1': [['type', 'string', 'vfio-user-pci'], ['addr', 'str', 32]],
  '/machine/peripheral/rng': [['type', 'string', 'virtio-rng-pci']],
  '/machine/peripheral-anon': [],
};
const qemu: QemuMonitor = {
  ended: new Promise(() => undefined),
  onEvent: () => () => undefined,
  execute: (_, args = {}) => Promise.resolve((args.paths as string[]).map((path) => ({ properties: (objects[path] ?? []).map(([name, type, value]) => ({ name, type, value })) }))),
};

it('has what somebody made: QEMU\'s with its own words, ours with what we know beside', async () => {
  const backend = { type: 'memory-backend-file', properties: {}, children: {} };
  const inner = { type: 'virtio-pmem', properties: {}, children: {} };
  const device = { type: 'virtio-pmem-pci', properties: { type: { type: 'string', value: 'virtio-pmem-pci' }, vectors: { type: 'uint32', value: 2 } }, children: { 'virtio-backend': inner } };
  const ours = container({ objects: container({ mem1: backend }), machine: container({ peripheral: container({ nv1: device }), 'peripheral-anon': container({}) }) });
  const tree = await qemuTree(qemu, ours);
  expect(Object.keys(findObject(tree, '/objects')?.children ?? {})).toEqual(['mem1', 'ram']);
  expect(findObject(tree, '/objects/ram')).toEqual({ type: 'memory-backend-memfd', properties: { size: { type: 'size', value: 4096 } }, children: {} });
  expect(findObject(tree, '/machine')).toMatchObject({ type: 'pc-machine', properties: { 'memory-backend': { value: '/objects/ram' } } });
  expect(findObject(tree, '/machine/peripheral/nv1')).toEqual({
    type: 'vfio-user-pci',
    properties: { type: { type: 'string', value: 'vfio-user-pci' }, vectors: { type: 'uint32', value: 2 }, addr: { type: 'str', value: 32 } },
    children: { 'virtio-backend': inner },
  });
  expect(findObject(tree, '/machine/peripheral/rng')?.type).toBe('virtio-rng-pci');
});
