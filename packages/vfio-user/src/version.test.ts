import { expect, it } from 'vitest';
import { negotiate } from './version.ts';

const request = (minor: number, text: string, major = 0): Uint8Array => Buffer.concat([Buffer.from([major, 0, minor, 0]), Buffer.from(text)]);

it.each([
  ['QEMU', 0, '{"capabilities":{"max_msg_fds":16,"write_multiple":true}}\0', 0],
  ['Cloud Hypervisor', 1, '{"capabilities":{"max_msg_fds":1}}\0', 1],
  ['a newer client', 9, '{}\0', 2],
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

it.each([
  ['a body without a version', Buffer.from([0, 0]), 22, /2 bytes/],
  ['another major version', request(0, '{}\0', 1), 71, /version 1\.0; this server speaks 0\.0 to 0\.2/],
  ['JSON without NUL', request(0, '{}'), 22, /NUL/],
  ['broken JSON', request(0, '{"a"\0'), 22, /no JSON/],
  ['JSON that is no object', request(0, '[1]\0'), 22, /no object/],
  ['JSON null', request(0, 'null\0'), 22, /no object/],
])('refuses %s', (_, body, errno, detail) => {
  expect(negotiate(body)).toMatchObject({ code: 'refused', errno, detail: expect.stringMatching(detail) as string });
});
