import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { encodeRecord, readLog } from './record.ts';

const log = (checksum: boolean, count = 3): Buffer => Buffer.concat(Array.from({ length: count }, (_, i) => encodeRecord('test', i, 128, { checksum })));

it('has magic, checksum, number and length before the payload', () => {
  const record = encodeRecord('test', 2, 128, { checksum: true });
  expect([0, 4, 8, 12].map((at) => record.readUInt32LE(at))).toEqual([0x6c_6f_67_2e, crc32(record.subarray(8)), 2, 112]);
  expect(encodeRecord('test', 2, 128, { checksum: false }).readUInt32LE(4)).toBe(0);
  expect(record.subarray(16).includes(0)).toBe(false);
});

it.each([true, false])('is read up to the end, or to the first that is not whole (checksum: %s)', (checksum) => {
  expect(readLog(log(checksum), { checksum })).toEqual([0, 1, 2]);
  expect(readLog(Buffer.concat([log(checksum), Buffer.alloc(500)]), { checksum })).toEqual([0, 1, 2]);
  expect(readLog(log(checksum).subarray(0, 383), { checksum })).toEqual([0, 1]);
  expect(readLog(log(checksum).subarray(128), { checksum })).toEqual([]);
});

it('is read although it is torn if there is no checksum', () => {
  for (const checksum of [true, false]) {
    const torn = log(checksum);
    torn.fill(0, 200, 208);
    expect(readLog(torn, { checksum })).toEqual(checksum ? [0] : [0, 1, 2]);
  }
});

it('is not taken for an empty record if only the first half of its header is there', () => {
  const torn = log(true, 1);
  torn.fill(0, 8);
  expect(readLog(torn, { checksum: true })).toEqual([]);
});
