import { expect, it } from 'vitest';
import { mountOptions } from './mount-options.ts';
import { mountsBelow } from './mount-table.ts';

it.each([
  ['ext4', '', { flags: 0, data: '' }],
  ['ext4', 'defaults,ro,noatime,data=writeback,noload', { flags: 1025, data: 'data=writeback,noload' }],
  ['xfs', 'noatime', { flags: 1024, data: 'nouuid' }],
  ['xfs', 'nouuid, wsync', { flags: 0, data: 'nouuid,wsync' }],
])('options of mount(8) are those of mount(2): %s %s', (type, options, expected) => {
  expect(mountOptions(type, options)).toEqual(expected);
});

it('finds what is mounted in a folder, by names with spaces too', () => {
  const table = ['22 1 0:1 / /run/a\\040b rw - tmpfs none rw', '23 1 0:1 / /run/a\\040bc rw - tmpfs none rw', '24 22 0:1 / /run/a\\040b/x rw - ext4 none rw', ''].join('\n');
  expect(mountsBelow('/run/a b', table)).toEqual(['/run/a b', '/run/a b/x']);
});
