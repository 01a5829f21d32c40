import { defineProperties, property } from '@vpmem/options';
import { describe, expect, it } from 'vitest';
import { SetupError } from './setup-error.ts';
import { describeTypes } from './usage.ts';

const types = {
  object: { 'memory-backend-ram': defineProperties({ size: property.size({ required: true, description: 'bytes' }) }) },
  device: { 'virtio-pmem-pci': defineProperties({ memdev: property.string({ required: true }) }) },
};

describe('describeTypes', () => {
  it('lists types, and properties in QEMU\'s layout', () => {
    expect(describeTypes('object', undefined, types)).toBe('types for -object:\n  memory-backend-ram\n  monitor-hmp\n  monitor-qmp\n');
    expect(describeTypes('object', 'memory-backend-ram', types)).toBe('memory-backend-ram options:\n  size=<size>            - bytes\n');
    expect(describeTypes('machine', undefined, { ...types, machine: types.device['virtio-pmem-pci'] })).toBe('machine options:\n  memdev=<string>\n');
    expect(describeTypes('chardev', undefined, types)).toBe('types for -chardev:\n  socket\n  stdio\n  null\n');
    expect(describeTypes('chardev', 'stdio', types)).toMatch(/^stdio options:\n {2}backend=<string>.*\n  signal=<bool>  /s);
    expect(describeTypes('msg', undefined, types)).toMatch(/^msg options:\n {2}format=<text\|json>/);
  });

  it.each(['nvdimm', 'constructor'])('has no type %s', (type) => {
    expect(() => describeTypes('device', type, types)).toThrow(new SetupError(`-device ${type},help: there is no '${type}'; there is virtio-pmem-pci`));
  });
});
