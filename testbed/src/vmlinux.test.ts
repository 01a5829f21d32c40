import { expect, it } from 'vitest';
import { payloadOf } from './vmlinux.ts';

/** A bzImage with a setup of two sectors, and what it has compressed 16 bytes behind that. */
function bzImage({ magic = 0xfd2fb528, version = 0x020f, signature = 'HdrS' }): Buffer {
  const image = Buffer.alloc(2048, 0xee);
  image[0x1f1] = 1;
  image.write(signature, 0x202, 'latin1');
  image.writeUInt16LE(version, 0x206);
  image.writeUInt32LE(16, 0x248);
  image.writeUInt32LE(24, 0x24c);
  image.writeUInt32LE(magic, 1024 + 16);
  image.write('compressed bytes', 1024 + 20, 'latin1');
  return image;
}

it('finds what a bzImage has compressed, without the length behind it', () => {
  expect(payloadOf(bzImage({}))?.subarray(4).toString('latin1')).toBe('compressed bytes');
});

it.each([
  ['that is compressed otherwise', { magic: 0x184c2102 }],
  ['that is older than its boot protocol', { version: 0x0207 }],
  ['that is none', { signature: 'none' }],
])('finds nothing in an image %s', (_, what) => {
  expect(payloadOf(bzImage(what))).toBeUndefined();
});

it('finds nothing in an empty file', () => {
  expect(payloadOf(Buffer.alloc(0))).toBeUndefined();
});
