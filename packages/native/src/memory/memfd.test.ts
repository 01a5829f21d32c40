import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Mapping } from './mapping.ts';
import { createMemfd, sealFutureWrites } from './memfd.ts';

it('that is sealed can be written by the mapping that there was, and by nobody else', () => {
  const fd = createMemfd('sealed', 8192, { seal: false });
  const mapping = Mapping.ofFile(fd, { length: 8192 });
  try {
    sealFutureWrites(fd);
    new Uint8Array(mapping.window(0, 8192))[4096] = 7;
    const again = openSync(`/proc/self/fd/${fd}`, 'r+');
    try {
      const byte = Buffer.alloc(1);
      readSync(again, byte, 0, 1, 4096);
      expect(byte[0]).toBe(7);
      expect(() => writeSync(again, byte, 0, 1, 0)).toThrow('EPERM');
      expect(() => Mapping.ofFile(again, { length: 8192 })).toThrow('EPERM');
    } finally {
      closeSync(again);
    }
  } finally {
    mapping.unmap();
    closeSync(fd);
  }
});
