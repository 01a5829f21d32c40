import { describe, expect, it } from 'vitest';
import { parseMachineOption, readArguments, UsageError } from './arguments.ts';

describe('readArguments', () => {
  it('takes any number of objects and devices in any order, with one dash or two', () => {
    expect(readArguments(['-device', 'd1', '--object', 'o1', '-object', 'o2', '--device', 'd2'])).toEqual({
      action: 'serve',
      objects: [{ option: '-object', text: 'o1' }, { option: '-object', text: 'o2' }],
      devices: [{ option: '-device', text: 'd1' }, { option: '-device', text: 'd2' }],
    });
  });

  it.each([
    [['-h'], { action: 'help' }],
    [['--help'], { action: 'help' }],
    [['-object', 'x', '-version'], { action: 'version' }],
    [['-object', 'help'], { action: 'describe', option: '-object', type: undefined }],
    [['-device', '?'], { action: 'describe', option: '-device', type: undefined }],
  ])('%j', (args, wanted) => {
    expect(readArguments(args)).toEqual(wanted);
  });

  it.each([
    [['-drive', 'x'], '-drive: invalid option; vpmemd -help lists those there are'],
    [['mem.img'], 'mem.img: invalid option; vpmemd -help lists those there are'],
    [['-object', 'x', '-device'], '-device: requires an argument'],
  ])('%j is refused by name', (args, message) => {
    expect(() => readArguments(args)).toThrow(new UsageError(message));
  });
});

it('reads an -object and a -device by the key each leaves out, and TYPE,help', () => {
  expect(parseMachineOption({ option: '-object', text: 'memory-backend-ram,id=m' }).properties['qom-type']).toBe('memory-backend-ram');
  expect(parseMachineOption({ option: '-device', text: '{"driver":"virtio-pmem-pci"}' }).properties.driver).toBe('virtio-pmem-pci');
  expect(parseMachineOption({ option: '-device', text: 'virtio-pmem-pci,help' }).help).toBe(true);
});
