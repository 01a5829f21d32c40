import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from '../fake-machine.ts';
import { completeLine } from './complete-line.ts';

let machine: FakeMachine;

beforeEach(async () => {
  machine = new FakeMachine();
  for (const id of ['mem1', 'mem2']) await machine.addObject({ form: 'text', properties: { id, 'qom-type': 'memory-backend-file', size: '1M', 'mem-path': id } });
  await machine.addDevice({ form: 'text', properties: { driver: 'virtio-pmem-pci', id: 'nv1', memdev: 'mem1' } });
});

describe('completeLine', () => {
  it.each<[string, string[]]>([
    ['dev', ['device_add ', 'device_del ']],
    ['  q', ['qom-list ', 'qom-get ', 'quit ']],
    ['nope', []],
    ['nope x', []],
    ['info mem', ['memdev ', 'memory-devices ', 'memory_size_summary ']],
    ['help info ver', ['version ']],
    ['? sto', ['stop ']],
    ['object_add ', ['memory-backend-file,']],
    ['device_add virt', ['virtio-pmem-pci,']],
    ['device_add virtio-pmem-pci,', ['id=', 'memdev=', 'vectors=', 'bus=']],
    ['device_add virtio-pmem-pci,id=x,', ['memdev=', 'vectors=', 'bus=']],
    ['device_add driver=virtio-pmem-pci,mem', ['memdev=']],
    ['device_add virtio-pmem-pci,memdev=', ['mem2']],
    ['device_add virtio-pmem-pci,bus=', ['pci.0']],
    ['device_add nope,', []],
    ['device_add virtio-pmem-pci,nope=', []],
    ['object_add memory-backend-file,share=', ['on', 'off']],
    ['object_add memory-backend-file,rom=o', ['on', 'off']],
    ['object_add memory-backend-file,size=', []],
    ['object_del ', ['mem2 ']],
    ['object_del mem2 ', []],
    ['device_del ', ['nv1 ']],
    ['device_del -', ['-w ']],
    ['device_del -w n', ['nv1 ']],
    ['qom-list ', ['/']],
    ['qom-list /o', ['objects/']],
    ['qom-get /objects/', ['mem1', 'mem2']],
    ['qom-get /objects/mem1 ', []],
    ['info qom-tree /machine/peripheral/n', ['nv1']],
    ['info qtree -', ['-b ']],
    ['stop ', []],
  ])('%s', async (line, expected) => {
    const [candidates, replaced] = await completeLine({ machine, program: 'p', version: 'v', chardevs: () => [] }, line);
    expect(candidates).toEqual(expected);
    expect(line.endsWith(replaced)).toBe(true);
  });
});
