import { expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';

const bytes = (length: number, byte: (i: number) => number): Uint8Array => Uint8Array.from({ length }, (_, i) => byte(i));

// The examples that iSCSI gives, and the usual one.
it.each([
  ['32 zeroes', bytes(32, () => 0), 0x8a9136aa],
  ['32 ones', bytes(32, () => 0xff), 0x62a8ab43],
  ['ascending', bytes(32, (i) => i), 0x46dd794e],
  ['descending', bytes(32, (i) => 31 - i), 0x113fdb5c],
  ['digits', new TextEncoder().encode('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
])('%s', (_, input, checksum) => {
  expect(crc32c(input)).toBe(checksum);
});

it('is that of the whole, wherever it is parted and wherever it lies', () => {
  const whole = bytes(100, (i) => (i * 37) & 0xff);
  const checksum = crc32c(whole);
  for (let at = 0; at <= whole.length; at++) expect(crc32c(whole.subarray(at), crc32c(whole.slice(0, at)))).toBe(checksum);
});
