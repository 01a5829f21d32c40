import { expect, it } from 'vitest';
import { negotiate } from './version.ts';

const request = (minor: number, text: string, major = 0): Uint8Array => Buffer.concat([Buffer.from([major, 0, minor, 0]), Buffer.from(text)]);

it.each([
  ['QEMU', 0, '{"capabilities":{"max_msg_fds":16,"write_multiple":true}}\0', 0],
  ['Cloud Hypervisor', 1, '{"capabilities":{"max_msg_fds":1}}\0', 1],
  ['a newer client', 9, '{}\0', 2],
  ['all of what QEMU 11.1 says', 0, '{"capabilities":{"pgsizes":4096,"max_msg_fds":16,"max_dma_maps":65535,"max_data_xfer_size":1048576,"migration":{"max_bitmap_size":268435456,"pgsize":4096},"write_multiple":true}}\0', 0],
  ['all of what Cloud Hypervisor says', 1, '{"capabilities":{"max_msg_fds":1,"max_data_xfer_size":1048576,"migration":{"pgsize":4096}}}\0', 1],
  ['every page size there is', 2, '{"capabilities":{"pgsizes":18446744073709547520,"migration":{"pgsize":2097152}}}\0', 2],
  ['capabilities nobody here knows', 2, '{"capabilities":{"of_later":"x","max_msg_fds":0},"other":1}\0', 2],
  ['a client without JSON', 2, '', 2],
])('agrees with %s on the lower minor version', (_, minor, json, agreed) => {
  const result = negotiate(request(minor, json));
  if (result.code !== 'agreed') throw new Error(result.detail);
  expect([result.minor, result.reply[2]]).toEqual([agreed, agreed]);
  const text = Buffer.from(result.reply.subarray(4)).toString();
  expect(text.endsWith('\0')).toBe(true);
  expect(JSON.parse(text.slice(0, -1))).toEqual({
    capabilities: { max_msg_fds: 16, max_data_xfer_size: 65536, max_dma_maps: 65535, pgsizes: 4096 },
  });
  // QEMU takes no reply longer than its own request, 214 bytes with the header.
  expect(16 + result.reply.length).toBeLessThanOrEqual(214);
});

it.each<readonly [string, Uint8Array, number, RegExp]>([
  ['a body without a version', Buffer.from([0, 0]), 22, /2 bytes/],
  ['another major version', request(0, '{}\0', 1), 71, /version 1\.0; this server speaks 0\.0 to 0\.2/],
  ['JSON without NUL', request(0, '{}'), 22, /NUL/],
  ['broken JSON', request(0, '{"a"\0'), 22, /no JSON/],
  ['JSON that is no object', request(0, '[1]\0'), 22, /no object/],
  ['JSON null', request(0, 'null\0'), 22, /no object/],
  ...([
    ['capabilities', '"23"', /capabilities is no object/],
    ['capabilities', '[]', /capabilities is no object/],
    ['capabilities', 'null', /capabilities is no object/],
    ['capabilities', '{"max_msg_fds":"foo"}', /: capabilities\.max_msg_fds is no number/],
    ['capabilities', '{"max_msg_fds":-1}', /max_msg_fds is no number of 0 or more/],
    ['capabilities', '{"max_msg_fds":true}', /max_msg_fds is no number/],
    ['capabilities', '{"max_msg_fds":null}', /max_msg_fds is no number/],
    ['capabilities', '{"max_data_xfer_size":1.5}', /max_data_xfer_size is no number/],
    ['capabilities', '{"max_data_xfer_size":{}}', /max_data_xfer_size is no number/],
    ['capabilities', '{"max_dma_maps":"1"}', /max_dma_maps is no number/],
    ['capabilities', '{"pgsizes":0}', /pgsizes holds no page size/],
    ['capabilities', '{"pgsizes":4095}', /pgsizes holds no page size, or one below 4096/],
    ['capabilities', '{"pgsizes":6144}', /pgsizes holds no page size, or one below 4096/],
    ['capabilities', '{"pgsizes":"4096"}', /pgsizes/],
    ['capabilities', '{"migration":"23"}', /capabilities\.migration is no object/],
    ['capabilities', '{"migration":{"pgsize":"foo"}}', /: capabilities\.migration\.pgsize is no power of two/],
    ['capabilities', '{"migration":{"pgsize":4095}}', /pgsize is no power of two from 4096 on/],
    ['capabilities', '{"migration":{"pgsize":2048}}', /pgsize is no power of two/],
    ['capabilities', '{"migration":{"pgsize":12288}}', /pgsize is no power of two/],
    ['capabilities', '{"migration":{"pgsize":0}}', /pgsize is no power of two/],
    ['capabilities', '{"migration":{"pgsize":4096,"max_bitmap_size":-1}}', /max_bitmap_size is no number/],
    ['capabilities', '{"twin_socket":true}', /twin_socket is no object/],
    ['capabilities', '{"twin_socket":{"supported":1}}', /supported is neither true nor false/],
    ['capabilities', '{"twin_socket":{"supported":false,"fd_index":-1}}', /fd_index is no number/],
    ['capabilities', '{"write_multiple":1}', /write_multiple is neither true nor false/],
    ['capabilities', '{"write_multiple":"true"}', /write_multiple is neither/],
  ] as const).map(([name, value, detail]) => [`${name} ${value}`, request(0, `{"${name}":${value}}\0`), 22, detail] as const),
])('refuses %s', (_, body, errno, detail) => {
  expect(negotiate(body)).toMatchObject({ code: 'refused', errno, detail: expect.stringMatching(detail) as string });
});
