// What a running QEMU makes of the same files is in tests/config-file.guest.test.ts.
import { describe, expect, it } from 'vitest';
import { parseConfigFile } from './config-file.ts';
import { SetupError } from './setup-error.ts';

describe('parseConfigFile', () => {
  it('reads sections with and without an id, comments and blank lines', () => {
    const text = [
      '# a comment', '', '[object "mem1"]', '  qom-type = "memory-backend-file"', '   # indented', '\tmem-path = "a,b c.img"   # behind', '',
      '[ name ] # behind', 'guest="vm"', '[chardev  "c"]\r', ' path = ""\r', '',
    ].join('\n');
    expect(parseConfigFile(text, 'f')).toEqual([
      {
        option: 'object',
        line: 3,
        entries: [
          { name: 'id', value: 'mem1', line: 3 },
          { name: 'qom-type', value: 'memory-backend-file', line: 4 },
          { name: 'mem-path', value: 'a,b c.img', line: 6 },
        ],
      },
      { option: 'name', line: 8, entries: [{ name: 'guest', value: 'vm', line: 9 }] },
      { option: 'chardev', line: 10, entries: [{ name: 'id', value: 'c', line: 10 }, { name: 'path', value: '', line: 11 }] },
    ]);
  });

  it('knows [memory] and [machine], whose options have other names', () => {
    expect(parseConfigFile('[memory]\nsize = "1G"\n[machine]\ntype = "pc"\n', 'f').map(({ option }) => option)).toEqual(['m', 'machine']);
  });

  it.each([
    ['a = "b"', 'vm.conf:1: there is a property before the first section; begin with one such as [object "ID"]'],
    ['\n[objekt "a"]', "vm.conf:2: there is no section 'objekt': did you mean 'object'?; there are object, device, machine, memory, chardev, mon, name, run-with, msg"],
    ['[pidfile]', 'vm.conf:1: -pidfile is for the command line only; sections are object, device, machine, memory, chardev, mon, name, run-with, msg'],
    ['[object "a"', `vm.conf:1: '[object "a"' is no section; write [object "ID"], or [name] for what has no id`],
    ['[object a]', `vm.conf:1: '[object a]' is no section; write [object "ID"], or [name] for what has no id`],
    ['[object "a"] x', `vm.conf:1: '[object "a"] x' is no section; write [object "ID"], or [name] for what has no id`],
    ['[name]\nguest = vm', `vm.conf:2: 'guest = vm' is no property; write NAME = "VALUE", with double quotes and without escapes`],
    ['[name]\nguest = "vm', `vm.conf:2: 'guest = "vm' is no property; write NAME = "VALUE", with double quotes and without escapes`],
    ['[name]\nguest = "a\\"b"', `vm.conf:2: 'guest = "a\\"b"' is no property; write NAME = "VALUE", with double quotes and without escapes`],
    ['[name]\nguest', `vm.conf:2: 'guest' is no property; write NAME = "VALUE", with double quotes and without escapes`],
    ['[name]\nguest = "a"\nguest = "b"', "vm.conf:3: 'guest' is given twice, first at line 2; once is enough"],
    ['[object "a"]\nid = "b"', "vm.conf:2: 'id' is given twice, first at line 1; once is enough"],
    ['[name]\na,b = "c"', "vm.conf:2: a property's name has no comma, but 'a,b' has"],
  ])('%j is refused at its line', (text, message) => {
    expect(() => parseConfigFile(text, 'vm.conf')).toThrow(new SetupError(message));
  });
});
